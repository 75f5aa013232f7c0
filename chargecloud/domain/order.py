"""The life of an order, as a table.

Rule 1: everything that changes an order's state is in this file.
Rule 2: what is not in L{TRANSITIONS} is refused, and nothing has happened.
Rule 3: nothing here asks a clock, a database or a charger.

L{decide} takes an order and what has occurred, and gives the order as it will be and the
L{Decision} that makes it so.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve, fields, frozen

from chargecloud.domain.commands import StopCharge
from chargecloud.domain.decision import Change, Decision, Holds, Insert, LogEntry
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.ledger import Account, Post, pay
from chargecloud.domain.order_rows import bill_of, changed_columns, instant_ms, marks_of, order_row
from chargecloud.domain.tariff import Bill, Fee, Mark, Usage


class OrderState(Enum):
    """Where an order is in its life."""

    #: placed, money held, the start is on its way to the charger
    STARTING = "starting"
    #: the charger has closed the relay and told its meter
    CHARGING = "charging"
    #: the charger's end record is kept; the bill is still to be made
    ENDED = "ended"
    #: billed and paid
    SETTLED = "settled"
    #: ended with a record that cannot be right; a person decides
    HELD = "held"
    #: never started; the money that was held went back
    FAILED = "failed"


#: states in which an order has its port
RUNNING = frozenset({OrderState.STARTING, OrderState.CHARGING})


@frozen(kw_only=True)
class Order:
    """
    One charge, from the request to the bill.

    @ivar version: raised by each write; the writer's guard.
    @ivar held_fen: money held for it from the customer's wallet.
    @ivar marks: meter readings that decide how the energy is split by price.
    @ivar charged_s: seconds of charging, without suspended time.
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
    state: OrderState = OrderState.STARTING
    version: int = 1
    held_fen: int = 0
    limit_energy_mwh: int | None = None
    limit_duration_s: int | None = None
    limit_amount_fen: int | None = None
    until_full: bool = True
    started_at: datetime | None = None
    ended_at: datetime | None = None
    settled_at: datetime | None = None
    start_meter_mwh: int | None = None
    end_meter_mwh: int | None = None
    charged_s: int | None = None
    stop_reason: StopReason | None = None
    failure: str | None = None
    marks: tuple[Mark, ...] = ()
    bill: Bill | None = None

    @property
    def energy_mwh(self) -> int:
        """Energy so far, by the newest reading that is written down."""
        return self.marks[-1].meter_mwh - self.marks[0].meter_mwh if self.marks else 0

    @property
    def usage(self) -> Usage:
        """What it used, for its tariff; only for an order that has started."""
        charged_s = self.charged_s
        if charged_s is None:
            charged_s = (self.marks[-1].at - self.marks[0].at) // timedelta(seconds=1)
        return Usage(ZoneInfo(self.time_zone), charged_s, self.marks)


# ------------------------------------------------------------------------ what may occur


@frozen
class StartRefused:
    """The charger will not start, did not answer in time, or could not be reached."""

    at: datetime
    code: str


@frozen
class Started:
    """The charger has begun."""

    at: datetime
    start_meter_mwh: int


@frozen
class Sampled:
    """The marks so far are worth writing down."""

    marks: tuple[Mark, ...]


@frozen
class Ended:
    """The charger's end record, with the marks up to its end."""

    at: datetime
    start_meter_mwh: int
    end_meter_mwh: int
    charged_s: int
    reason: StopReason
    marks: tuple[Mark, ...]


@frozen
class Billed:
    """The tariff has made the bill.

    @ivar available_fen: what the customer's wallet can give beyond the money held.
    """

    at: datetime
    bill: Bill
    available_fen: int


@frozen
class Doubted:
    """The end record cannot be right."""

    at: datetime
    why: str


Occurrence = StartRefused | Started | Sampled | Ended | Billed | Doubted


@frozen
class Step:
    """An order as it will be, and the decision that makes it so."""

    order: Order
    decision: Decision


# ----------------------------------------------------------------------------- the rules


def place(order: Order) -> Decision:
    """Take a port for a new order and hold the customer's money.

    It goes stale if the port has an order already (C{ports}), or the wallet holds less
    (C{accounts}).
    """
    writes: list[Insert | Change | Post] = [
        Change("ports", _port_key(order), {"order_id": order.id}, {"order_id": None}),
        Insert("orders", order_row(order)),
    ]
    if order.held_fen:
        wallet, held = _accounts(order)
        writes.append(Post(wallet, held, order.held_fen, "hold", order.id))
    return Decision(tuple(writes), (_entry(order, "order.placed", held_fen=order.held_fen),))


def decide(order: Order, occurrence: Occurrence, epoch: int | None = None) -> Step:
    """
    What follows for an order from what has occurred.

    @param epoch: the epoch of the charger's session that told it, which must hold still
        when it is written; C{None} if no session told it.
    @raise Conflict: if it cannot occur in the order's state.
    """
    rule = TRANSITIONS.get((order.state, type(occurrence)))
    if rule is None:
        raise Conflict(
            f"an order that is {order.state.value} cannot be {type(occurrence).__name__.lower()}",
            state=order.state.value,
        )
    action, state = rule
    after, also = action(order, occurrence)
    if after is order and state is order.state:
        return Step(order, also)
    after = evolve(after, state=state, version=order.version + 1)
    holds = None
    if epoch is not None:
        holds = Holds("chargers", {"id": order.charger_id, "epoch": epoch})
    change = Change(
        "orders", {"id": order.id}, changed_columns(order, after), {"version": order.version}, holds
    )
    return Step(after, Decision((change,)) + also)


def _fail(order: Order, occurrence: StartRefused) -> tuple[Order, Decision]:
    after = evolve(order, failure=occurrence.code, ended_at=occurrence.at)
    writes: list[Insert | Change | Post] = [_free_port(order)]
    if order.held_fen:
        wallet, held = _accounts(order)
        writes.append(Post(held, wallet, order.held_fen, "release", order.id))
    return after, Decision(tuple(writes), (_entry(after, "order.failed", failure=occurrence.code),))


def _begin(order: Order, occurrence: Started) -> tuple[Order, Decision]:
    after = evolve(
        order,
        started_at=occurrence.at,
        start_meter_mwh=occurrence.start_meter_mwh,
        marks=(Mark(occurrence.at, occurrence.start_meter_mwh),),
    )
    return after, Decision(
        log=(_entry(after, "order.started", start_meter_mwh=occurrence.start_meter_mwh),)
    )


def _known(order: Order, _occurrence: Started) -> tuple[Order, Decision]:
    return order, Decision()


def _stop_at_once(order: Order, _occurrence: Started) -> tuple[Order, Decision]:
    return order, Decision(commands=(StopCharge(order.id, order.port),))


def _sample(order: Order, occurrence: Sampled) -> tuple[Order, Decision]:
    return evolve(order, marks=occurrence.marks), Decision()


def _end(order: Order, occurrence: Ended) -> tuple[Order, Decision]:
    after = evolve(
        order,
        started_at=order.started_at or occurrence.marks[0].at,
        start_meter_mwh=occurrence.start_meter_mwh,
        ended_at=occurrence.at,
        end_meter_mwh=occurrence.end_meter_mwh,
        charged_s=occurrence.charged_s,
        stop_reason=occurrence.reason,
        marks=occurrence.marks,
    )
    entry = _entry(
        after,
        "order.ended",
        start_meter_mwh=occurrence.start_meter_mwh,
        end_meter_mwh=occurrence.end_meter_mwh,
        reason=occurrence.reason.value,
    )
    return after, Decision((_free_port(order),), (entry,))


def _settle(order: Order, occurrence: Billed) -> tuple[Order, Decision]:
    bill = occurrence.bill
    after = evolve(order, bill=bill, settled_at=occurrence.at)
    assert order.ended_at is not None
    entry = _entry(
        after,
        "order.settled",
        customer_id=order.customer_id,
        time_zone=order.time_zone,
        ended_ms=instant_ms(order.ended_at),
        charged_s=order.charged_s,
        energy_mwh=order.energy_mwh,
        electricity_fen=bill.fee_fen(Fee.ELECTRICITY),
        service_fen=bill.fee_fen(Fee.SERVICE),
        amount_fen=bill.amount_fen,
    )
    return after, Decision(_payment(order, bill, occurrence.available_fen), (entry,))


def _hold(order: Order, occurrence: Doubted) -> tuple[Order, Decision]:
    return evolve(order, failure=occurrence.why), Decision(
        log=(_entry(order, "order.held", why=occurrence.why),)
    )


Action = Callable[[Order, Any], tuple[Order, Decision]]

TRANSITIONS: dict[tuple[OrderState, type[Occurrence]], tuple[Action, OrderState]] = {
    # State: starting
    (OrderState.STARTING, StartRefused): (_fail, OrderState.FAILED),
    (OrderState.STARTING, Started): (_begin, OrderState.CHARGING),
    # the end record overtook the start: a connection was lost in between
    (OrderState.STARTING, Ended): (_end, OrderState.ENDED),
    # State: charging
    (OrderState.CHARGING, Started): (_known, OrderState.CHARGING),
    (OrderState.CHARGING, Sampled): (_sample, OrderState.CHARGING),
    (OrderState.CHARGING, Ended): (_end, OrderState.ENDED),
    # State: ended
    (OrderState.ENDED, Billed): (_settle, OrderState.SETTLED),
    (OrderState.ENDED, Doubted): (_hold, OrderState.HELD),
    # State: failed.  A start that was given up reached the charger after all.
    (OrderState.FAILED, Started): (_stop_at_once, OrderState.FAILED),
}


# ----------------------------------------------------------------------------- the money


def _payment(order: Order, bill: Bill, available_fen: int) -> tuple[Post, ...]:
    """
    Pay a bill: from the money held, then from the rest of the wallet, and what neither
    covers is owed; what was held in excess goes back.
    """
    wallet, held = _accounts(order)
    owed = Account(order.tenant_id, "receivable", order.customer_id or 0)
    dues = {Account(order.tenant_id, f"{fee.value}_fees"): bill.fee_fen(fee) for fee in Fee}
    sources: dict[Account, int | None] = {held: order.held_fen, wallet: available_fen, owed: None}
    posts = pay(dues, sources, order.id)
    excess = order.held_fen - min(order.held_fen, bill.amount_fen)
    return (*posts, Post(held, wallet, excess, "release", order.id)) if excess else posts


def _accounts(order: Order) -> tuple[Account, Account]:
    owner = order.customer_id or 0
    return Account(order.tenant_id, "wallet", owner), Account(order.tenant_id, "held", owner)


def _port_key(order: Order) -> dict[str, int]:
    return {"charger_id": order.charger_id, "port": order.port}


def _free_port(order: Order) -> Change:
    return Change("ports", _port_key(order), {"order_id": None}, {"order_id": order.id})


def _entry(order: Order, kind: str, **body: Any) -> LogEntry:
    return LogEntry(
        kind,
        order.tenant_id,
        {"site_id": order.site_id, "port": order.port, **body},
        order.charger_id,
        order.id,
    )


# ---------------------------------------------------------------------------- from a row


def order_of(row: Mapping[str, Any]) -> Order:
    """The order that a row of C{orders} holds."""
    values = {attribute.name: row[attribute.name] for attribute in fields(Order)}
    values["state"] = OrderState(row["state"])
    values["stop_reason"] = row["stop_reason"] and StopReason(row["stop_reason"])
    values["marks"] = marks_of(row["marks"])
    values["bill"] = bill_of(row["bill"])
    return Order(**values)
