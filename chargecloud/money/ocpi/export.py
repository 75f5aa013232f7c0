"""Our tariffs as OCPI 2.2.1 says them, where it can."""

from collections.abc import Mapping
from datetime import UTC
from fractions import Fraction
from typing import Any

from chargecloud.domain.errors import Conflict
from chargecloud.domain.units import FEN_PER_UNIT, HOUR, PRICE_UNITS_PER_FEN
from chargecloud.money.ocpi.terms import DECIMALS
from chargecloud.money.tariffs import Tariff

_PRICE_UNITS = FEN_PER_UNIT * PRICE_UNITS_PER_FEN


def as_ocpi(tariff: Tariff, country_code: str, party_id: str) -> Mapping[str, Any]:
    """
    A tariff as a Tariff object of OCPI 2.2.1.

    Prices of ours are what the customer pays in all, so they have no VAT apart; electricity and
    service are one price there.

    @raise Conflict: if it cannot be said there.
    """
    if tariff.kind == "ocpi":
        return tariff.terms
    makers = {"time_of_use": _time_of_use, "by_time": _by_time}
    if tariff.kind not in makers:
        raise Conflict(f"a tariff of kind {tariff.kind} has no form in OCPI 2.2.1")
    return {
        "country_code": country_code,
        "party_id": party_id,
        "id": str(tariff.id),
        "currency": "CNY",
        "elements": makers[tariff.kind](tariff.terms),
        "last_updated": tariff.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _time_of_use(terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    day = terms["day"]
    ends = [*[period["from"] for period in day[1:]], day[0]["from"]]
    elements = []
    for period, end in zip(day, ends, strict=True):
        units = sum(terms["rates"][period["rate"]].values())
        element: dict[str, Any] = {"price_components": [_component("ENERGY", _yuan(units), 1)]}
        if len(day) > 1:
            element["restrictions"] = {"start_time": period["from"], "end_time": end}
        elements.append(element)
    return elements


def _by_time(terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    price = Fraction(terms["price_fen"] * HOUR, FEN_PER_UNIT * terms["block_s"])
    return [{"price_components": [_component("TIME", price, terms["step_s"])]}]


def _yuan(units: int) -> Fraction:
    return Fraction(units, _PRICE_UNITS)


def _component(kind: str, price: Fraction, step: int) -> dict[str, Any]:
    if (price * 10**DECIMALS).denominator != 1:
        raise Conflict(f"a price of {price} yuan has more than {DECIMALS} decimals")
    return {"type": kind, "price": float(price), "step_size": step}
