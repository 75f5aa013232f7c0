"""What may occur to an order: a closed list, from which L{chargecloud.domain.order} decides.

Each carries when it was as we judge it (C{at}), and, where a charger told of it, when it
was by the charger (C{told_at}), which is kept beside it and never replaced.
"""

from datetime import datetime

from attrs import field, frozen

from chargecloud.domain.decision import Row
from chargecloud.domain.events import StopReason
from chargecloud.domain.order_value import Abnormality
from chargecloud.domain.tariff import Bill, Mark


@frozen
class StartDue:
    """The instant has come for which an order has waited; its start is sent."""

    at: datetime


@frozen
class Withdrawn:
    """An order that waits is not wanted any more.

    @ivar why: a code: who, or what, withdrew it.
    """

    at: datetime
    why: str


@frozen
class StartRefused:
    """The charger will not start, did not answer in time, or could not be reached."""

    at: datetime
    code: str


@frozen
class Started:
    """The charger has begun.

    @ivar start_meter_mwh: C{None} if the charger did not say, or is not believed before a
        reading has come (L{chargecloud.domain.plausible}).
    """

    at: datetime
    start_meter_mwh: int | None
    told_at: datetime | None = None


@frozen(kw_only=True)
class Changed:
    """The charger has taken other limits.  They are the limits as they are from now on.

    @ivar by: id of the token of the person who wanted it.
    """

    at: datetime
    by: int
    limit_energy_mwh: int | None
    limit_duration_s: int | None
    limit_amount_fen: int | None
    until_full: bool


@frozen
class Sampled:
    """The marks so far are worth writing down.

    @ivar basis: the rule by which the first of them was taken, if it was not the charger's
        word.
    """

    marks: tuple[Mark, ...]
    basis: str | None = None


@frozen
class Suspended:
    """The charger's power was cut, or its link was lost, and what goes on there is not known;
    or the charger itself has interrupted the charge.

    @ivar told_at: when that was by the charger, which may tell of it itself.
    """

    at: datetime
    why: str
    told_at: datetime | None = None


@frozen
class Resumed:
    """The charger tells of the charge again.

    @ivar why: C{"link-back"}, or C{"power-back"} if the charger has started anew.
    """

    at: datetime
    why: str


@frozen
class Suspected:
    """The charge may be over, and its charger has told no end of it: it goes on, and people
    are told.

    @ivar why: the rule that found it; also that of the alarm.
    @ivar evidence: what it was found by, plain values.
    """

    at: datetime
    why: Abnormality
    evidence: Row = field(factory=dict)


@frozen(kw_only=True)
class Ended:
    """The charge has ended, with the figures that it is billed by.

    @ivar charged_s: seconds of charging, without suspended time.
    @ivar basis: the rule by which the figures were taken, if they are not just what the
        charger's record says.
    @ivar record: what the charger said, as it said it; C{None} if it never did.
    @ivar float_dw: what the battery drew at last when it was full, if it was cut off then.
    @ivar clock_ahead_s: by how much the charger's clock was ahead, where it was not billed by.
    """

    at: datetime
    start_meter_mwh: int | None
    end_meter_mwh: int | None
    charged_s: int
    reason: StopReason
    marks: tuple[Mark, ...]
    why: str | None = None
    basis: str | None = None
    record: Row | None = None
    float_dw: int | None = None
    told_at: datetime | None = None
    clock_ahead_s: int | None = None


@frozen
class Billed:
    """The tariff has made the bill.

    @ivar available_fen: what the customer's wallet can give beyond the money held, and
        C{gift_fen} what there is of gift money.
    @ivar card_id: of the card that is to be blocked if the customer has too little.
    """

    at: datetime
    bill: Bill
    available_fen: int
    gift_fen: int = 0
    card_id: int | None = None


@frozen
class Waived:
    """Nothing is to be paid: nothing was drawn, or a person decided so.

    @ivar code: the rule that decided, or C{"by-hand"}.
    @ivar by: id of the token of the person; C{None} if a rule decided.
    @ivar why: what the person says.
    """

    at: datetime
    code: str
    by: int | None = None
    why: str | None = None


@frozen
class Doubted:
    """The figures cannot be right, or cannot be billed: a person decides.

    @ivar evidence: what speaks for it, plain values.
    """

    at: datetime
    why: str
    evidence: Row = field(factory=dict)


@frozen
class Judged:
    """A person has decided by which figures the order is to be billed.

    @ivar figures: other ones than it has; C{None} for those that it has.
    """

    at: datetime
    by: int
    why: str
    figures: Ended | None = None


@frozen
class Corrected:
    """A person has decided that a settled order was billed by wrong figures: its bill is
    credited, and a new one made.

    @ivar available_fen: what the wallet can give, before the credit; so C{gift_fen}.
    @ivar owed_fen: what of the first bill is still owed.
    """

    at: datetime
    by: int
    why: str
    figures: Ended
    bill: Bill
    available_fen: int
    owed_fen: int
    gift_fen: int = 0


@frozen
class HoldReleased:
    """The customer's money was held for as long as it may be."""

    at: datetime


@frozen
class Unplugged:
    """The plug was pulled, some time after a full battery had been cut off."""

    at: datetime


Occurrence = (
    StartDue
    | Withdrawn
    | StartRefused
    | Started
    | Changed
    | Sampled
    | Suspended
    | Resumed
    | Suspected
    | Ended
    | Billed
    | Waived
    | Doubted
    | Judged
    | Corrected
    | HoldReleased
    | Unplugged
)
