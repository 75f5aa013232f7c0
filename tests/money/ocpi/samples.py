"""Tariffs of OCPI, written briefly."""

from typing import Any
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def component(
    kind: str, price: float, vat: float | None = None, step_size: int = 1
) -> dict[str, Any]:
    """A price component."""
    made: dict[str, Any] = {"type": kind, "price": price, "step_size": step_size}
    return made if vat is None else made | {"vat": vat}


def tariff(*elements: Any, **more: Any) -> dict[str, Any]:
    """A tariff of elements: lists of components, or such with their restrictions."""
    made = [
        {"price_components": each}
        if isinstance(each, list)
        else {"price_components": each[0], "restrictions": each[1]}
        for each in elements
    ]
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": "12",
        "currency": "EUR",
        "elements": made,
        "last_updated": "2026-11-01T00:00:00Z",
        **more,
    }
