"""C{/tariffs}"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.errors import Conflict, Invalid, NotFound, TariffError
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.tariff import (
    MOST_OF_A_LINE,
    Bill,
    BillLine,
    Draw,
    Mark,
    Stay,
    StayKind,
    Usage,
)
from chargecloud.domain.units import MWH_PER_WH, decimal_text
from chargecloud.money.ocpi.kind import Ocpi
from chargecloud.money.tariffs import Tariff, Tariffs
from chargecloud.registry.sites import check_time_zone
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: ten times the largest battery on a road
MOST_QUOTED_WH = 10_000_000
#: a megawatt and some thousand amperes: above any charger
MOST_POWER_W, MOST_CURRENT_MA = 10_000_000, 100_000_000
#: the kind of a tariff that is given as OCPI has it
OCPI = Ocpi.kind
#: as long as a tariff's id in OCPI
MOST_OF_A_NAME = 36
#: a month: a quote is made at once, and must not keep the others waiting
MOST_QUOTED = timedelta(days=31)
#: years in which every calendar and time zone is safe to reckon in
QUOTED_YEARS = range(1970, 2200)


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
class TariffShown:
    """A tariff in one version; orders keep the version they began with."""

    id: Id = choice("its id")
    version: int = whole("counts its versions from 1", least=1)
    tenant_id: Id = choice("whose it is")
    name: str = text("what people call it")
    kind: str = text("its kind")
    terms: Mapping[str, Any] = choice("what it charges, defaults filled in")
    created_at: datetime = choice("when this version was made")


class ChargeState(Enum):
    """What goes on in a part of a described charge."""

    CHARGING = "charging"
    PARKED = "parked"
    RESERVED = "reserved"


@frozen(kw_only=True)
class QuotedPeriod:
    """A part of a charge."""

    start: datetime = choice("when it begins")
    end: datetime = choice("when it ends")
    state: ChargeState = choice("what goes on in it")
    energy_wh: int = whole("energy that flows in it, evenly", most=MOST_QUOTED_WH)
    power_w: int | None = whole(
        "at which power; what the energy comes to if not given", default=None, most=MOST_POWER_W
    )
    current_ma: int | None = whole(
        "with which current, summed over the phases; unknown if not given",
        default=None,
        most=MOST_CURRENT_MA,
    )

    def __attrs_post_init__(self) -> None:
        if self.state is ChargeState.RESERVED and self.energy_wh:
            raise ValueError("no energy flows into what is reserved")


@frozen(kw_only=True)
class Described:
    """A charge to be priced."""

    time_zone: str = text("IANA time zone of the site", example="Asia/Shanghai")
    periods: tuple[QuotedPeriod, ...] = choice("its parts, in order and without gaps")
    reservation_expired: bool = choice("whether nobody came for what was reserved", default=False)


@frozen(kw_only=True)
class LineShown:
    """A line of a bill."""

    fee: str = text("electricity or service")
    start: datetime = choice("from when")
    end: datetime = choice("until when")
    quantity: int = whole("how much, in its unit")
    unit: str = text("mWh, s or times")
    unit_price: int = whole("in 1e-5 yuan, without VAT where that is told apart")
    price_per: str = text("what the unit price is for: kWh, a number of seconds, or time")
    amount_fen: int = whole("in fen; below zero for what is taken off", least=-MOST_OF_A_LINE)
    excl_vat: str = text("the amount without VAT, exactly, in yuan or the tariff's currency")
    incl_vat: str = text("the amount with VAT, exactly")
    vat_percent: str | None = text("the rate of VAT, where it is told apart")
    rule: str = text("the rule of the tariff that made it", longest=400)


@frozen(kw_only=True)
class Quote:
    """What a charge would cost."""

    amount_fen: int = whole("in fen")
    excl_vat: str = text(
        "without VAT, exactly, in yuan or the tariff's currency; our own tariffs state what the"
        " customer pays in all"
    )
    incl_vat: str = text("with VAT, exactly")
    lines: tuple[LineShown, ...] = choice("what it is made of")


def show(tariff: Tariff) -> TariffShown:
    """A tariff as it is answered."""
    return TariffShown(
        id=tariff.id,
        version=tariff.version,
        tenant_id=tariff.tenant_id,
        name=tariff.name,
        kind=tariff.kind,
        terms=tariff.terms,
        created_at=tariff.created_at,
    )


def show_line(line: BillLine) -> LineShown:
    """A line as it is answered."""
    return LineShown(
        fee=line.fee.value,
        start=line.start,
        end=line.end,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        price_per=line.price_per,
        amount_fen=line.amount_fen,
        excl_vat=decimal_text(line.exact.excl),
        incl_vat=decimal_text(line.exact.incl),
        vat_percent=None if line.exact.percent is None else decimal_text(line.exact.percent),
        rule=line.rule,
    )


def show_quote(bill: Bill) -> Quote:
    """A bill for a charge that did not happen."""
    return Quote(
        amount_fen=bill.amount_fen,
        excl_vat=decimal_text(bill.excl_vat),
        incl_vat=decimal_text(bill.incl_vat),
        lines=tuple(show_line(line) for line in bill.lines),
    )


def usage_of(described: Described) -> Usage:
    """
    A described charge as a tariff sees one.

    @raise Invalid: if its parts do not follow each other, or are too long.
    """
    check_time_zone(described.time_zone)
    periods = described.periods
    if not periods:
        raise Invalid("nothing to price", errors=[_fault("", "must have a period")])
    faults = [
        _fault(f"/{index}/end", "must be after its start")
        for index, period in enumerate(periods)
        if period.end <= period.start
    ]
    faults += [
        _fault(f"/{index + 1}/start", "must be the end of the period before")
        for index, (before, after) in enumerate(pairwise(periods))
        if before.end != after.start
    ]
    faults += [
        _fault(f"/{index}/{name}", f"must be within {QUOTED_YEARS[0]} and {QUOTED_YEARS[-1]}")
        for index, period in enumerate(periods)
        for name, at in (("start", period.start), ("end", period.end))
        if at.year not in QUOTED_YEARS
    ]
    if not faults and periods[-1].end - periods[0].start > MOST_QUOTED:
        faults.append(_fault("", f"must be no longer than {MOST_QUOTED.days} days in all"))
    if faults:
        raise Invalid("the periods make no charge", errors=faults)
    marks = [Mark(periods[0].start, 0)]
    for period in periods:
        marks.append(Mark(period.end, marks[-1].meter_mwh + period.energy_wh * MWH_PER_WH))
    charged = sum(
        (each.end - each.start for each in periods if each.state is ChargeState.CHARGING),
        timedelta(),
    )
    return Usage(
        ZoneInfo(described.time_zone),
        charged // timedelta(seconds=1),
        tuple(marks),
        stays=tuple(
            Stay(each.start, each.end, StayKind(each.state.value))
            for each in periods
            if each.state is not ChargeState.CHARGING
        ),
        draws=tuple(
            Draw(each.start, each.end, each.power_w, each.current_ma)
            for each in periods
            if each.state is ChargeState.CHARGING
            and (each.power_w, each.current_ma) != (None, None)
        ),
        reservation_expired=described.reservation_expired,
    )


def _fault(place: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/periods{place}", "detail": detail}


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

    async def create(call: Call) -> TariffShown:
        body: NewTariff = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        kind, terms, where = body.kind or OCPI, body.terms, "/terms"
        if terms is None:
            terms, where = body.ocpi or {}, "/ocpi"
        name = body.name or str(terms.get("id"))[:MOST_OF_A_NAME]
        with _terms_at(where):
            made = await tariffs.create(request_key(call), tenant_id, name, kind, terms)
        return show(made)

    async def revise(call: Call) -> TariffShown:
        body: NewTerms = call.body
        tenant_id, tariff_id = call.caller.tenant_id, call.id("tariff_id")
        terms, where = (body.terms, "/terms") if body.terms is not None else (body.ocpi, "/ocpi")
        if body.ocpi is not None and (await tariffs.get(tenant_id, tariff_id)).kind != OCPI:
            raise Conflict("the tariff is none of OCPI")
        with _terms_at(where):
            made = await tariffs.revise(request_key(call), tenant_id, tariff_id, terms or {})
        return show(made)

    async def listed(call: Call) -> Page[TariffShown]:
        query: Paging = call.query
        found = await tariffs.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show)

    async def get(call: Call) -> TariffShown:
        return show(await tariffs.get(call.caller.tenant_id, call.id("tariff_id")))

    async def quote(call: Call) -> Quote:
        usage = usage_of(call.body)
        tariff = await tariffs.get(call.caller.tenant_id, call.id("tariff_id"))
        return show_quote(tariffs.bill(tariff, usage))

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
            method=Method.POST,
            path="/tariffs/{tariff_id}/quote",
            summary="Price a described charge",
            permission="tariffs:read",
            body=Described,
            answer=Quote,
            refusals=(NotFound,),
            run=quote,
            **common,
        ),
    ]
