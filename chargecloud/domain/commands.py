"""Orders that go down to chargers: a closed list, and the answer to each.

What only one vendor has is a L{VendorCall}.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from chargecloud.domain.cut_off import CutOff


@frozen
class StartCharge:
    """Close the relay for an order.

    @ivar valid_until_s: Unix time of the calendar after which the charger must refuse it,
        so that a start which a bad network delivers late does nothing.
    @ivar limit_energy_mwh: end at exactly this energy; C{None} is no limit.
    @ivar limit_duration_s: end after this much charging; C{None} is no limit.
    @ivar until_full: end when the charger finds the battery full.
    @ivar cut_off: how the charger tells that nothing more is drawn; its own way if C{None}.
    """

    order_id: int
    port: int
    valid_until_s: int
    limit_energy_mwh: int | None = None
    limit_duration_s: int | None = None
    until_full: bool = True
    cut_off: CutOff | None = None


@frozen
class StopCharge:
    """End an order's charge.  A port that runs another order ignores it."""

    order_id: int
    port: int


@frozen
class SetTime:
    """Tell the charger the time of the calendar, in Unix seconds."""

    unix_s: int


@frozen
class VendorCall:
    """A command that only one dialect has."""

    dialect: str
    name: str
    fields: Mapping[str, Any] = field(factory=dict)


Command = StartCharge | StopCharge | SetTime | VendorCall


@frozen
class Answer:
    """What a charger said to a command.

    @ivar code: C{"ok"}, or why not in the platform's words (C{"busy"}, C{"no-such-port"},
        C{"fault"}, C{"expired"}, C{"not-plugged"}, C{"unknown-command"}, C{"refused"}).
    """

    accepted: bool
    code: str = "ok"
    fields: Mapping[str, Any] = field(factory=dict)
