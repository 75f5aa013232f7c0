"""C{/orders/{order_id}/curve} and C{/events}: what a port measured, and what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.charging.curves import Sample
from chargecloud.charging.history import Curves, Happening, History
from chargecloud.domain.errors import NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import DW_PER_W, divide_half_up, wh
from chargecloud.routes import Call, HeldBy, Id, Method, Page, Route
from chargecloud.web.ids import with_ids_as_text

#: a charge of a week, once a minute; more are thinned out evenly
MOST_SAMPLES = 10_000


@frozen(kw_only=True)
class SampleShown:
    """What a port measured; null for what it did not say."""

    at: datetime = choice("when, by the charger's time where that is known")
    power_w: int | None = whole("power, rounded")
    power_dw: int | None = whole("power in tenths of a watt")
    energy_wh: int | None = whole("energy since the start of the charge, rounded")
    meter_mwh: int | None = whole("the port's register")
    voltage_v: float | None = choice("voltage")
    current_ma: int | None = whole("current")
    temperature_c: float | None = choice("temperature of the port, in °C")


@frozen(kw_only=True)
class HappeningShown:
    """Something that happened to an order."""

    at: datetime = choice("when it was written down")
    kind: str = text("what happened")
    occurred_at: datetime | None = choice("when it was, as it is judged")
    told_at: datetime | None = choice("when it was by the charger, as the charger told it")
    why: str | None = text("why it was decided so")
    by: Id | None = choice("id of the token of the person who decided")
    facts: Mapping[str, Any] = choice("all else that is known of it")


def show_sample(sample: Sample, first_mwh: int | None) -> SampleShown:
    """
    A sample as it is answered.

    @param first_mwh: the register that the charge began with.
    """
    energy_mwh = None
    if sample.meter_mwh is not None and first_mwh is not None:
        energy_mwh = max(0, sample.meter_mwh - first_mwh)
    power_dw = sample.power_dw
    return SampleShown(
        at=sample.at,
        power_w=None if power_dw is None else divide_half_up(power_dw, DW_PER_W),
        power_dw=power_dw,
        energy_wh=None if energy_mwh is None else wh(energy_mwh),
        meter_mwh=sample.meter_mwh,
        voltage_v=None if sample.voltage_dv is None else sample.voltage_dv / 10,
        current_ma=sample.current_ma,
        temperature_c=None if sample.temperature_dc is None else sample.temperature_dc / 10,
    )


def show_happening(happening: Happening) -> HappeningShown:
    """Something that happened, as it is answered."""
    return HappeningShown(
        at=happening.at,
        kind=happening.kind,
        occurred_at=happening.occurred_at,
        told_at=happening.told_at,
        why=happening.why,
        by=happening.by,
        facts=with_ids_as_text(happening.body),
    )


def routes(curves: Curves, history: History) -> list[Route]:
    """The routes of what is known of an order's past."""

    async def curve(call: Call) -> Page[SampleShown]:
        first_mwh, samples = await curves.of(call.caller.tenant_id, call.id("order_id"))
        step = -(-len(samples) // MOST_SAMPLES) or 1
        return Page(tuple(show_sample(sample, first_mwh) for sample in samples[::step]))

    async def events(call: Call) -> Page[HappeningShown]:
        found = await history.of(call.caller.tenant_id, call.id("order_id"))
        return Page(tuple(show_happening(happening) for happening in found))

    common: dict[str, Any] = {
        "tag": "orders",
        "method": Method.GET,
        "permission": "orders:read",
        "refusals": (NotFound,),
    }
    return [
        Route(
            path="/orders/{order_id}/curve",
            held_by=HeldBy.ORDER,
            summary="Show what the port measured while the order charged",
            answer=Page[SampleShown],
            run=curve,
            **common,
        ),
        Route(
            path="/orders/{order_id}/events",
            summary="Show what happened to an order, when, and why",
            answer=Page[HappeningShown],
            run=events,
            **common,
        ),
    ]
