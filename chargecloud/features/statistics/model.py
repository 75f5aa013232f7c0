"""What is counted, and the arithmetic of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attrs import asdict, evolve, frozen

from chargecloud.domain.decision import LogEntry, Row
from chargecloud.domain.order_rows import instant_of
from chargecloud.domain.saving import saved
from chargecloud.domain.units import MWH_PER_KWH, divide_half_up

ONE_DAY = timedelta(days=1)


@frozen(kw_only=True)
class Sums:
    """What some settled orders come to.

    @ivar orders: how many they are.
    @ivar saved_mwh: what would have been drawn if full batteries had not been cut off;
        an estimate.
    @ivar charged_s: seconds of charging, without suspended time.
    """

    orders: int = 0
    energy_mwh: int = 0
    saved_mwh: int = 0
    amount_fen: int = 0
    electricity_fen: int = 0
    service_fen: int = 0
    charged_s: int = 0

    def __neg__(self) -> "Sums":
        return Sums(**{name: -value for name, value in asdict(self).items()})

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            orders=self.orders + other.orders,
            energy_mwh=self.energy_mwh + other.energy_mwh,
            saved_mwh=self.saved_mwh + other.saved_mwh,
            amount_fen=self.amount_fen + other.amount_fen,
            electricity_fen=self.electricity_fen + other.electricity_fen,
            service_fen=self.service_fen + other.service_fen,
            charged_s=self.charged_s + other.charged_s,
        )


@frozen
class Place:
    """Where a settled order is counted.

    @ivar day: the date at its site when it ended, whatever time zone that is in.
    """

    tenant_id: int
    site_id: int
    day: date


@frozen
class Counted:
    """A settled order, as it is counted.

    @ivar customer_id: C{None} for a charge without a customer.
    """

    place: Place
    customer_id: int | None
    sums: Sums


def count(entry: LogEntry) -> Iterable[Counted]:
    """What an entry of the event log adds, and takes away."""
    counted = _COUNTS.get(entry.kind)
    return () if counted is None else counted(entry)


def _settled(entry: LogEntry) -> Iterable[Counted]:
    return (_order(entry, entry.body),)


def _corrected(entry: LogEntry) -> Iterable[Counted]:
    """The order is counted anew, in the place of what was counted before."""
    before = _order(entry, entry.body["before"])
    return evolve(before, customer_id=None, sums=-before.sums), _order(entry, entry.body)


def _unplugged(entry: LogEntry) -> Iterable[Counted]:
    """How long the bike has stayed is known now, and was assumed when it was counted."""
    body = entry.body
    better = saved(body["float_dw"], body["stayed_s"]).energy_mwh
    change = better - _assumed_mwh(body)
    return (Counted(_place(entry, body), None, Sums(saved_mwh=change)),)


_COUNTS: Mapping[str, Callable[[LogEntry], Iterable[Counted]]] = {
    "order.settled": _settled,
    "order.corrected": _corrected,
    "order.unplugged": _unplugged,
}


def _order(entry: LogEntry, body: Row) -> Counted:
    return Counted(
        _place(entry, body),
        body["customer_id"],
        Sums(
            orders=1,
            energy_mwh=body["energy_mwh"],
            saved_mwh=_assumed_mwh(body),
            amount_fen=body["amount_fen"],
            electricity_fen=body["electricity_fen"],
            service_fen=body["service_fen"],
            charged_s=body["charged_s"],
        ),
    )


def _place(entry: LogEntry, body: Row) -> Place:
    ended_at = instant_of(body["ended_ms"]).astimezone(ZoneInfo(body["time_zone"]))
    return Place(entry.tenant_id, entry.body["site_id"], ended_at.date())


def _assumed_mwh(body: Row) -> int:
    """What is assumed to have been saved, as long as nobody knows; what was settled before
    this was measured saved nothing that is known."""
    float_dw = body.get("float_dw")
    return 0 if float_dw is None else saved(float_dw, None).energy_mwh


def carbon_kg(energy_mwh: int, carbon_g_per_kwh: int) -> float:
    """The carbon dioxide of some energy, in kg, rounded half up to whole grams."""
    return divide_half_up(energy_mwh * carbon_g_per_kwh, MWH_PER_KWH) / 1000


@frozen
class Period:
    """Some days.

    @ivar until: the day after the last.
    """

    start: date
    until: date

    def days(self) -> Iterable[date]:
        """Each of them, in order."""
        return (self.start + number * ONE_DAY for number in range((self.until - self.start).days))
