"""C{/sites/{site_id}/cut-off}"""

from typing import Any

from attrs import Attribute, asdict, fields, frozen, make_class

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, whole
from chargecloud.registry.cut_offs import RULES, SiteCutOffs
from chargecloud.routes import Call, Method, Route


def _optional(rule: "Attribute[Any]") -> Any:
    """A rule that may be left out."""
    limits = rule.metadata
    return whole(limits["doc"], default=None, least=limits["minimum"], most=limits["maximum"])


#: the same rules as L{CutOff} has, each of which may be left out
NewRules: Any = make_class(
    "NewRules",
    {rule.name: _optional(rule) for rule in fields(CutOff)},
    bases=(),
    frozen=True,
    kw_only=True,
)
NewRules.__doc__ = "The rules that are to differ from those that hold everywhere."
NewRules.__annotations__ = dict.fromkeys(RULES, int | None)


@frozen(kw_only=True)
class CutOffsShown:
    """The rules at a site, for each kind of charger."""

    ebike: CutOff = choice("of boxes for e-bikes")
    etrike: CutOff = choice("of those for e-trikes")
    ac: CutOff = choice("of AC piles")
    dc: CutOff = choice("of DC piles")


def routes(cut_offs: SiteCutOffs) -> list[Route]:
    """The routes of the cut-off."""

    async def get(call: Call) -> CutOffsShown:
        found = await cut_offs.get(call.caller.tenant_id, call.id("site_id"))
        return CutOffsShown(**{kind.value: _plain(rules) for kind, rules in found.items()})

    async def put(call: Call) -> CutOff:
        try:
            kind = ChargerKind(call.path["kind"])
        except ValueError:
            raise NotFound(f"there is no kind {call.path['kind']}") from None
        rules = {name: value for name, value in asdict(call.body).items() if value is not None}
        site_id = call.id("site_id")
        caller = call.caller
        return _plain(await cut_offs.put(caller.tenant_id, site_id, kind, rules, caller.token_id))

    common: dict[str, Any] = {"tag": "sites", "refusals": (NotFound,)}
    return [
        Route(
            method=Method.GET,
            path="/sites/{site_id}/cut-off",
            summary="Show how charges are cut off at a site",
            permission="sites:read",
            answer=CutOffsShown,
            run=get,
            **common,
        ),
        Route(
            method=Method.PUT,
            path="/sites/{site_id}/cut-off/{kind}",
            summary="Say how charges of a kind of charger are cut off at a site",
            permission="sites:write",
            body=NewRules,
            answer=CutOff,
            run=put,
            **common | {"refusals": (NotFound, Conflict)},
        ),
    ]


def _plain(rules: CutOff) -> CutOff:
    """The rules of any kind as one class, which the answer has."""
    return CutOff(**asdict(rules))
