"""Instants at which a reading is kept where more than the clock decides about a price."""

from collections.abc import Sequence
from datetime import datetime, timedelta

#: power is what the register comes to between two readings that are kept: more often would be
#: a write of the order for each reading
KEPT_EVERY = timedelta(minutes=5)
_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def every(interval: timedelta, after: datetime, until: datetime) -> Sequence[datetime]:
    """Instants within (after, until] that are whole intervals."""
    first = (after - _EPOCH) // interval + 1
    last = (until - _EPOCH) // interval
    return [_EPOCH + number * interval for number in range(first, last + 1)]
