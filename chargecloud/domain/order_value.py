"""An order as a value, and its states.  What becomes of it is in L{chargecloud.domain.order}."""

from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.coupon import Coupon
from chargecloud.domain.decision import Row
from chargecloud.domain.events import StopReason
from chargecloud.domain.month_card import Cover
from chargecloud.domain.tariff import Bill, Mark, Usage

_SECOND = timedelta(seconds=1)


class OrderState(Enum):
    """Where an order is in its life."""

    #: placed, money held, and its start is to be sent later
    WAITING = "waiting"
    #: placed, money held, the start is on its way to the charger
    STARTING = "starting"
    #: the charger has closed the relay and told its meter
    CHARGING = "charging"
    #: the charger's power was cut or its link lost: what goes on there is not known
    SUSPENDED = "suspended"
    #: the charge is over; the bill is still to be made
    ENDED = "ended"
    #: billed and paid
    SETTLED = "settled"
    #: ended with figures that cannot be right; a person decides
    HELD = "held"
    #: never started; the money that was held went back
    FAILED = "failed"
    #: ended, and nothing is to be paid; the money that was held went back
    CANCELLED = "cancelled"


#: states in which an order has its port
RUNNING = frozenset(
    {OrderState.WAITING, OrderState.STARTING, OrderState.CHARGING, OrderState.SUSPENDED}
)
#: states in which the charger has not said that it began
NOT_BEGUN = frozenset({OrderState.WAITING, OrderState.STARTING})
#: states in which a charge has begun and not ended
UNDER_WAY = frozenset({OrderState.CHARGING, OrderState.SUSPENDED})
#: states in which money may be held for it
HOLDING = frozenset({*RUNNING, OrderState.ENDED, OrderState.HELD})


class Abnormality(Enum):
    """What is odd about an order that runs; the later one says more."""

    #: its charger has said twice that the port does not charge for it
    DENIED = "charge-denied"
    #: its charger has said that it is over, and the end record has not come in time
    RECORD_LATE = "record-late"


class Origin(Enum):
    """How an order came to be."""

    #: by an operator or an app, over HTTP
    API = "api"
    #: by a card that was presented at a charger which asked us
    CARD = "card"
    #: by a charger that had no connection, which told us later
    OFFLINE = "offline"
    #: by a person, from a record that matched no order
    RECORD = "record"


@frozen(kw_only=True)
class Order:
    """
    One charge, from the request to the bill.

    @ivar start_key: what its start is known by at its port, so that it counts once.
    @ivar version: raised by each write; the writer's guard.
    @ivar start_at: when its start is to be sent, and C{ready_by} when it must be over, for an
        order that may wait; C{None} for others.
    @ivar held_fen: money held for it from the customer's wallet; C{held_gift_fen} of it is gift
        money.
    @ivar coupon: what is taken off its bill; C{None} again once it is given back.
    @ivar month_card: what a month card covers of it; C{None} again once that is given back.
    @ivar paid_gift_fen: what of its bill was paid with gift money.
    @ivar marks: meter readings that decide how the energy is split by price; none before
        there is one that is believed.
    @ivar charged_s: seconds of charging, without suspended time.
    @ivar suspended_s: how long it was suspended, until it was last resumed.
    @ivar basis: the rule by which its figures were taken, if not by the charger's record.
    @ivar record: the end as the charger told it.
    @ivar evidence: why it is, or was, held.
    @ivar abnormal: what is odd about it; C{None} again once it has ended.
    @ivar float_dw: what the full battery drew at last, if it was cut off.
    @ivar unplugged_at: when the plug of a battery that had been cut off was pulled.
    @ivar clock_ahead_s: by how much the charger's clock was ahead of ours, if it was so much that
        the order is billed by ours.
    """

    id: int
    tenant_id: int
    site_id: int
    charger_id: int
    port: int
    customer_id: int | None
    tariff_id: int
    tariff_version: int
    time_zone: str
    created_at: datetime
    start_key: str
    origin: Origin = Origin.API
    card_uid: str | None = None
    state: OrderState = OrderState.STARTING
    version: int = 1
    held_fen: int = 0
    held_gift_fen: int = 0
    paid_gift_fen: int = 0
    limit_energy_mwh: int | None = None
    limit_duration_s: int | None = None
    limit_amount_fen: int | None = None
    until_full: bool = True
    start_at: datetime | None = None
    ready_by: datetime | None = None
    coupon: Coupon | None = None
    month_card: Cover | None = None
    started_at: datetime | None = None
    suspended_at: datetime | None = None
    suspended_s: int = 0
    ended_at: datetime | None = None
    settled_at: datetime | None = None
    start_meter_mwh: int | None = None
    end_meter_mwh: int | None = None
    charged_s: int | None = None
    stop_reason: StopReason | None = None
    failure: str | None = None
    basis: str | None = None
    record: Row | None = None
    evidence: Row | None = None
    abnormal: Abnormality | None = None
    float_dw: int | None = None
    unplugged_at: datetime | None = None
    clock_ahead_s: int | None = None
    marks: tuple[Mark, ...] = ()
    bill: Bill | None = None

    @property
    def energy_mwh(self) -> int:
        """Energy so far, by the newest reading that is written down."""
        return self.marks[-1].meter_mwh - self.marks[0].meter_mwh if self.marks else 0

    @property
    def usage(self) -> Usage:
        """What it used, for its tariff; only for an order that has a reading."""
        charged_s = self.charged_s
        if charged_s is None:
            charged_s = self.charged_until(self.marks[-1].at)
        return Usage(ZoneInfo(self.time_zone), charged_s, self.marks)

    def would_have_floated_s(self, unplugged_at: datetime) -> int:
        """How long a full battery that was cut off would have gone on to draw: until its plug
        was pulled, or until the order would have ended by its own limit of time."""
        if self.ended_at is None:
            return 0
        stayed_s = max(0, (unplugged_at - self.ended_at) // _SECOND)
        if self.limit_duration_s is None:
            return stayed_s
        return min(stayed_s, max(0, self.limit_duration_s - (self.charged_s or 0)))

    def charged_until(self, at: datetime) -> int:
        """Seconds of charging from the start to an instant by our own account: what was
        suspended is not in it."""
        if self.started_at is None:
            return 0
        if self.suspended_at is not None:
            at = min(at, self.suspended_at)
        return max(0, (at - self.started_at) // _SECOND - self.suspended_s)
