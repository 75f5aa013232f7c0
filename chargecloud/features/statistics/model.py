"""What is counted, and the arithmetic of it."""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.decision import LogEntry
from chargecloud.domain.order_rows import instant_of
from chargecloud.domain.units import MWH_PER_KWH, divide_half_up

ONE_DAY = timedelta(days=1)


@frozen(kw_only=True)
class Sums:
    """What some settled orders come to.

    @ivar orders: how many they are.
    @ivar charged_s: seconds of charging, without suspended time.
    """

    orders: int = 0
    energy_mwh: int = 0
    amount_fen: int = 0
    electricity_fen: int = 0
    service_fen: int = 0
    charged_s: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            orders=self.orders + other.orders,
            energy_mwh=self.energy_mwh + other.energy_mwh,
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


def count(entry: LogEntry) -> Counted | None:
    """What an entry of the event log adds; C{None} if nothing."""
    if entry.kind != "order.settled":
        return None
    body = entry.body
    ended_at = instant_of(body["ended_ms"]).astimezone(ZoneInfo(body["time_zone"]))
    return Counted(
        Place(entry.tenant_id, body["site_id"], ended_at.date()),
        body["customer_id"],
        Sums(
            orders=1,
            energy_mwh=body["energy_mwh"],
            amount_fen=body["amount_fen"],
            electricity_fen=body["electricity_fen"],
            service_fen=body["service_fen"],
            charged_s=body["charged_s"],
        ),
    )


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
