"""Power tiers: which of them a charge is in, and from when.

Boxes sell time, and less of it to who draws more: up to 200 W an hour is an hour, up to 400 W
three quarters of one, and so on.  The power of a charger that starts or a battery that is
nearly full is not what counts: so

- a charge begins in the lowest tier;
- a higher one takes over when power has been in it, or above, for the dwell time without a
  break, and counts from that instant on; what came before stays as it was counted;
- a lower one takes over in the same way, but only where the terms say that tiers C{falls}.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from attrs import frozen

from chargecloud.domain.tariff import Usage


@frozen
class Tier:
    """
    @ivar up_to_w: the highest power that is in it; C{None} for the highest tier.
    @ivar percent: how much of a block of time it gets for the price of one.
    """

    up_to_w: int | None
    percent: int


@frozen
class Tiers:
    """The tiers of a tariff, from the lowest on."""

    tiers: tuple[Tier, ...]
    dwell: timedelta
    falls: bool

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "Tiers":
        """From the terms of a price for time; without tiers all is one."""
        tiers = [Tier(each.get("up_to_w"), each["percent"]) for each in terms.get("tiers", ())]
        dwell = timedelta(seconds=terms.get("dwell_s", 0))
        return cls(tuple(tiers or [Tier(None, 100)]), dwell, terms.get("falls", False))

    def stretches(self, usage: Usage) -> Iterator[tuple[datetime, datetime, Tier]]:
        """The parts of a usage in which it is in one tier, in order."""
        if len(self.tiers) == 1:
            yield usage.started_at, usage.ended_at, self.tiers[0]
            return
        levels = self._levels(usage)
        current, since = 0, usage.started_at
        for at in self._candidates(levels):
            seen = [
                level
                for start, end, level in levels
                if (start < at and end > at - self.dwell) or (start == at and not self.dwell)
            ]
            if at - self.dwell < usage.started_at and self.dwell:
                seen.append(0)
            taken = current
            if min(seen) > current:
                taken = min(seen)
            elif self.falls and max(seen) < current:
                taken = max(seen)
            if taken != current:
                if since < at:
                    yield since, at, self.tiers[current]
                current, since = taken, at
        if since < usage.ended_at or since == usage.started_at:
            yield since, usage.ended_at, self.tiers[current]

    def _levels(self, usage: Usage) -> Sequence[tuple[datetime, datetime, int]]:
        """The tier that power is in, from when until when; neighbours differ."""
        edges = {mark.at for mark in usage.marks}
        for draw in usage.draws:
            edges |= {draw.start, draw.end}
        for stay in usage.stays:
            edges |= {stay.start, stay.end}
        found: list[tuple[datetime, datetime, int]] = []
        ordered = sorted(edges)
        for start, end in pairwise(ordered):
            level = self._level(usage, start)
            if found and found[-1][2] == level:
                found[-1] = (found[-1][0], end, level)
            else:
                found.append((start, end, level))
        return found

    def _level(self, usage: Usage, at: datetime) -> int:
        power_w = usage.power_w_at(at) or 0
        for index, tier in enumerate(self.tiers):
            if tier.up_to_w is None or power_w <= tier.up_to_w:
                return index
        return len(self.tiers) - 1

    def _candidates(self, levels: Sequence[tuple[datetime, datetime, int]]) -> Sequence[datetime]:
        """When another tier may take over."""
        if not levels:
            return []
        last = levels[-1][1]
        return sorted({start + self.dwell for start, _, _ in levels if start + self.dwell < last})
