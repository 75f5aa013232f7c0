"""C{/tariffs}"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Conflict, NotFound, TariffError
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.tariff import Remark
from chargecloud.money.ocpi.export import as_ocpi
from chargecloud.money.ocpi.kind import Ocpi
from chargecloud.money.tariffs import Tariff, Tariffs
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources import quotes
from chargecloud.web.resources.shared import page, request_key

#: the kind of a tariff that is given as OCPI has it
OCPI = Ocpi.kind
#: as long as a tariff's id in OCPI
MOST_OF_A_NAME = 36


@frozen(kw_only=True)
class NewTariff:
    """A tariff to be made."""

    name: str | None = text(
        "what people call it; an OCPI tariff's id if not given",
        default=None,
        example="Campus, by time of use",
    )
    kind: str | None = text(
        "time_of_use, by_time, composed, or one that a plugin brings",
        default=None,
        example="by_time",
    )
    terms: Mapping[str, Any] | None = choice(
        "what it charges, in the form of its kind (docs/tariffs.rst); unit prices are whole"
        " numbers of 1e-5 yuan for a kWh",
        default=None,
        example={"price_fen": 100, "block_s": 9000, "electricity": 60000},
    )
    ocpi: Mapping[str, Any] | None = choice(
        "in place of kind and terms: a Tariff object of OCPI 2.2.1", default=None
    )
    tenant_id: Id | None = choice("whose it is; only the platform names another", default=None)

    def __attrs_post_init__(self) -> None:
        if (self.ocpi is None) is (self.kind is None or self.terms is None) or (
            self.ocpi is not None and (self.kind, self.terms) != (None, None)
        ):
            raise ValueError("a tariff is given by kind and terms, or by ocpi")
        if self.name is None and self.ocpi is None:
            raise ValueError("a tariff by kind and terms needs a name")


@frozen(kw_only=True)
class NewTerms:
    """Terms for a new version of a tariff."""

    terms: Mapping[str, Any] | None = choice(
        "what it charges, in the form of its kind", default=None
    )
    ocpi: Mapping[str, Any] | None = choice(
        "in place of terms, for an OCPI tariff: the Tariff object", default=None
    )

    def __attrs_post_init__(self) -> None:
        if (self.terms is None) is (self.ocpi is None):
            raise ValueError("a version is given by terms, or by ocpi")


@frozen(kw_only=True)
class RemarkShown:
    """What the one who uses a tariff should know."""

    code: str = text("which remark")
    words: str = text("what it says", longest=400)
    forbids_orders: bool = choice("whether it makes quotes, but no bills of charges")


@frozen(kw_only=True)
class OcpiQuery:
    """Whose tariff it is in OCPI; not for one that was given as OCPI."""

    country_code: str = text("ISO 3166 code", default="CN", longest=2)
    party_id: str = text(
        "the operator's; XXX, which is nobody's, if not given", default="XXX", longest=3
    )


@frozen(kw_only=True)
class TariffShown:
    """A tariff in one version; orders keep the version they began with."""

    id: Id = choice("its id")
    version: int = whole("counts its versions from 1", least=1)
    tenant_id: Id = choice("whose it is")
    name: str = text("what people call it")
    kind: str = text("its kind")
    terms: Mapping[str, Any] = choice("what it charges, defaults filled in")
    created_at: datetime = choice("when this version was made")
    remarks: tuple[RemarkShown, ...] = choice("what the one who uses it should know")


@frozen(kw_only=True)
class OcpiShown:
    """A tariff as OCPI says it; C{POST /tariffs} takes the same."""

    ocpi: Mapping[str, Any] = choice("a Tariff object of OCPI 2.2.1")


def show(tariff: Tariff, remarks: Sequence[Remark]) -> TariffShown:
    """A tariff as it is answered."""
    return TariffShown(
        id=tariff.id,
        version=tariff.version,
        tenant_id=tariff.tenant_id,
        name=tariff.name,
        kind=tariff.kind,
        terms=tariff.terms,
        created_at=tariff.created_at,
        remarks=tuple(
            [
                RemarkShown(code=each.code, words=each.words, forbids_orders=each.forbids_orders)
                for each in remarks
            ]
        ),
    )


@contextmanager
def _terms_at(where: str) -> Iterator[None]:
    """Faults of terms are told with their place in the body."""
    try:
        yield
    except TariffError as error:
        faults = [
            {"pointer": f"{where}{fault['where']}", "detail": fault["what"]}
            for fault in error.facts.get("errors", ())  # type: ignore[attr-defined]
        ]
        raise TariffError(error.detail, errors=faults) from error


def routes(tariffs: Tariffs, tenants: Tenants) -> list[Route]:
    """The routes of tariffs."""

    def shown(tariff: Tariff) -> TariffShown:
        return show(tariff, tariffs.remarks(tariff))

    async def create(call: Call) -> TariffShown:
        body: NewTariff = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        kind, terms, where = body.kind or OCPI, body.terms, "/terms"
        if terms is None:
            terms, where = body.ocpi or {}, "/ocpi"
        name = body.name or str(terms.get("id"))[:MOST_OF_A_NAME]
        with _terms_at(where):
            made = await tariffs.create(request_key(call), tenant_id, name, kind, terms)
        return shown(made)

    async def revise(call: Call) -> TariffShown:
        body: NewTerms = call.body
        tenant_id, tariff_id = call.caller.tenant_id, call.id("tariff_id")
        terms, where = (body.terms, "/terms") if body.terms is not None else (body.ocpi, "/ocpi")
        if body.ocpi is not None and (await tariffs.get(tenant_id, tariff_id)).kind != OCPI:
            raise Conflict("the tariff is none of OCPI")
        with _terms_at(where):
            made = await tariffs.revise(request_key(call), tenant_id, tariff_id, terms or {})
        return shown(made)

    async def listed(call: Call) -> Page[TariffShown]:
        query: Paging = call.query
        found = await tariffs.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, shown)

    async def get(call: Call) -> TariffShown:
        return shown(await tariffs.get(call.caller.tenant_id, call.id("tariff_id")))

    async def ocpi(call: Call) -> OcpiShown:
        query: OcpiQuery = call.query
        tariff = await tariffs.get(call.caller.tenant_id, call.id("tariff_id"))
        return OcpiShown(ocpi=as_ocpi(tariff, query.country_code, query.party_id))

    common: dict[str, Any] = {"tag": "tariffs"}
    return [
        Route(
            method=Method.POST,
            path="/tariffs",
            summary="Make a tariff",
            permission="tariffs:write",
            body=NewTariff,
            answer=TariffShown,
            status=201,
            refusals=(TariffError,),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/tariffs",
            summary="List the tariffs in their newest versions",
            permission="tariffs:read",
            query=Paging,
            answer=Page[TariffShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/tariffs/{tariff_id}",
            summary="Show a tariff in its newest version",
            permission="tariffs:read",
            answer=TariffShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/tariffs/{tariff_id}/versions",
            summary="Change a tariff; orders that run keep the version they began with",
            permission="tariffs:write",
            body=NewTerms,
            answer=TariffShown,
            status=201,
            refusals=(NotFound, TariffError, Conflict),
            run=revise,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/tariffs/{tariff_id}/ocpi",
            summary="Show a tariff as OCPI 2.2.1 says it",
            permission="tariffs:read",
            query=OcpiQuery,
            answer=OcpiShown,
            refusals=(NotFound, Conflict),
            run=ocpi,
            **common,
        ),
        *quotes.routes(tariffs),
    ]
