"""How far a charger's clock is off, judged by what it shows when it tells something.

A message may be late and is never early: it makes a clock look slow, by as long as it took, and
never fast.  So of several looks the one that shows the most is the nearest to the truth, and one
look, or several that do not agree, say nothing; but a clock that gains is ahead by the least that
they show.

Limits: JJG 1148 and 1149 (AC and DC piles; the 2022 issues) have a clock off by no more than 5 s
where time of use is billed at the first verification, and by no more than 3 min at later ones.
"""

from attrs import field, frozen

#: clocks are told in whole seconds: what is shown may be up to so much behind what the clock is
RESOLUTION_S = 1
#: so many looks must agree, to within so much
LOOKS = 3
AGREE_S = 10
#: looks that are closer to each other are one: what waited for a connection comes all at once
APART_S = 20
#: one that still shows what is known is looked at again after this; a clock drifts slowly
LOOKED_EVERY_S = 600


@frozen
class Look:
    """
    @ivar at_s: when, in Unix time.
    @ivar ahead_s: by how much the clock was ahead of ours, as the message came; below zero: behind.
    """

    at_s: float
    ahead_s: float


@frozen
class ClockError:
    """
    What is known of a charger's clock.

    @ivar ahead_s: by how much it is ahead of ours; C{None} as long as nobody knows.
    @ivar agrees: whether the last looks show that; if not, it was known before them.
    @ivar pace: how fast the calendar goes: a message that takes a second is late by so many.
    """

    ahead_s: float | None = None
    looks: tuple[Look, ...] = ()
    agrees: bool = field(default=False, kw_only=True)
    pace: float = field(default=1.0, kw_only=True)

    def has_seen(self, look: Look) -> bool:
        """Whether another look says nothing more: just after the last one, or of what is known."""
        if not self.looks:
            return False
        last = self.looks[-1]
        since_s = look.at_s - last.at_s
        if since_s < APART_S:
            return look.ahead_s <= last.ahead_s
        if not self.agrees or since_s >= LOOKED_EVERY_S:
            return False
        return self.ahead_s is not None and abs(look.ahead_s - self.ahead_s) < RESOLUTION_S

    def seen(self, look: Look) -> "ClockError":
        """With another look at it."""
        looks = self.looks
        if looks and look.at_s - looks[-1].at_s < APART_S:
            # it stays where it was: a clock that gains would put off the next one for ever
            most = max(looks[-1].ahead_s, look.ahead_s)
            looks = (*looks[:-1], Look(looks[-1].at_s, most))
        else:
            looks = (*looks[1 - LOOKS :], look)
        most = max(each.ahead_s for each in looks)
        least = min(each.ahead_s for each in looks)
        agree_s = AGREE_S * self.pace
        if len(looks) == LOOKS and most - least <= agree_s:
            return ClockError(most, looks, agrees=True, pace=self.pace)
        if len(looks) == LOOKS and least > 0:
            return ClockError(least, looks, agrees=True, pace=self.pace)
        known = self.ahead_s
        if known is not None and known > 0 and look.ahead_s < known - agree_s:
            # it was set, or the message was late; it is not believed to be fast on that
            known = None
        return ClockError(known, looks, pace=self.pace)

    def is_beyond(self, limit_s: float) -> bool:
        """Whether it is surely off by more than a limit."""
        return self.ahead_s is not None and proven_s(self.ahead_s) > limit_s * self.pace


def proven_s(ahead_s: float) -> float:
    """What of an error, in seconds, is beyond what whole seconds hide."""
    return ahead_s if ahead_s > 0 else max(0.0, -ahead_s - RESOLUTION_S)
