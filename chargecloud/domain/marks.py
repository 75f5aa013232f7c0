"""Registers that a charger noted at changes of the price, put between those that we saw."""

from collections.abc import Sequence

from chargecloud.domain.tariff import Mark


def with_told(marks: Sequence[Mark], told: Sequence[Mark]) -> tuple[Mark, ...]:
    """
    The marks of a charge with those that its charger told, where both can be right.

    What we saw ourselves stays; a told mark stands only between two of those, in time and
    in energy: it may decide at which price energy flowed, and never how much.
    """
    if len(marks) < 2:
        return tuple(marks)
    merged = list(marks)
    for mark in sorted(told, key=lambda each: each.at):
        place = next((i for i, each in enumerate(merged) if each.at >= mark.at), len(merged))
        if not 0 < place < len(merged) or merged[place].at == mark.at:
            continue
        if merged[place - 1].meter_mwh <= mark.meter_mwh <= merged[place].meter_mwh:
            merged.insert(place, mark)
    return tuple(merged)
