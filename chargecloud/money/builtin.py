"""The kinds of tariff that come with the platform."""

from chargecloud.interfaces import ITariff
from chargecloud.money.by_time import ByTime
from chargecloud.money.composed.kind import Composed
from chargecloud.money.ocpi.kind import Ocpi
from chargecloud.money.time_of_use import TimeOfUse


def builtin_tariffs() -> tuple[ITariff, ...]:
    """The tariffs, for the hook that collects them."""
    return (TimeOfUse(), ByTime(), Composed(), Ocpi())
