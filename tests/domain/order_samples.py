"""Orders and what may occur to them, for tests: whatever the rules allow."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from chargecloud.domain.coupon import Coupon
from chargecloud.domain.events import StopReason
from chargecloud.domain.occurrences import (
    Billed,
    Changed,
    Corrected,
    Doubted,
    Ended,
    HoldReleased,
    Judged,
    Occurrence,
    Resumed,
    Sampled,
    StartDue,
    Started,
    StartRefused,
    Suspected,
    Suspended,
    Unplugged,
    Waived,
    Withdrawn,
)
from chargecloud.domain.order_value import Abnormality, Order, OrderState, Origin
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark
from tests.harness import NOW

#: everything that may occur to an order
KINDS: tuple[type[Occurrence], ...] = get_args(Occurrence)

milliseconds = st.integers(0, 100_000_000).map(lambda number: timedelta(milliseconds=number))
instants = milliseconds.map(lambda since: NOW + since)
maybe_limit = st.none() | st.integers(1, 10**9)


amounts = st.integers(1, 1500)
coupons = st.builds(
    Coupon,
    id=st.just(9),
    number=st.integers(1, 100),
    code=st.just("SPRING"),
    amount_fen=amounts,
) | st.builds(
    Coupon,
    id=st.just(9),
    number=st.integers(1, 100),
    code=st.just("TENTH"),
    percent=st.integers(1, 100),
    most_fen=st.none() | amounts,
)


def an_order(**about: Any) -> Order:
    """An order that has just been placed."""
    values: dict[str, Any] = {
        "id": 40,
        "tenant_id": 1,
        "site_id": 10,
        "charger_id": 20,
        "port": 3,
        "customer_id": 30,
        "tariff_id": 50,
        "tariff_version": 2,
        "time_zone": "Asia/Shanghai",
        "created_at": NOW,
        "start_key": "key-40",
        "held_fen": 500,
    }
    return Order(**values | about)


@st.composite
def placed_orders(draw: st.DrawFn) -> Order:
    """Orders that have just been placed: by customers who pay, or without one."""
    customer_id = draw(st.none() | st.integers(1, 2**63 - 1))
    return an_order(
        customer_id=customer_id,
        held_fen=0 if customer_id is None else draw(st.integers(0, 1000)),
        limit_energy_mwh=draw(maybe_limit),
        limit_duration_s=draw(maybe_limit),
        limit_amount_fen=draw(maybe_limit),
        until_full=draw(st.booleans()),
        created_at=draw(instants),
        coupon=draw(st.none() | coupons),
        state=draw(st.sampled_from((OrderState.STARTING, OrderState.WAITING))),
        origin=draw(st.sampled_from(Origin)),
        card_uid=draw(st.none() | st.just("04A1B2C3")),
    )


@st.composite
def meter_marks(draw: st.DrawFn, least: int = 1) -> tuple[Mark, ...]:
    """Readings of a meter that never goes back."""
    gaps = draw(
        st.lists(st.tuples(milliseconds, st.integers(0, 10**7)), min_size=least, max_size=5)
    )
    at, meter_mwh = NOW, draw(st.integers(0, 10**9))
    marks = []
    for since, gained_mwh in gaps:
        at, meter_mwh = at + since, meter_mwh + gained_mwh
        marks.append(Mark(at, meter_mwh))
    return tuple(marks)


def bill_line(fee: Fee, amount_fen: int, start: datetime = NOW) -> BillLine:
    """A line of a bill."""
    end = start + timedelta(minutes=5)
    return BillLine(fee, start, end, 1000, "mWh", 60000, "kWh", amount_fen, "all day")


bills = st.lists(
    st.builds(bill_line, st.sampled_from(Fee), st.integers(0, 1000), instants), max_size=4
).map(lambda lines: Bill(50, 2, tuple(lines)))


@st.composite
def ends(draw: st.DrawFn) -> Ended:
    """Ends of charges: by a record, and by our own account where there is none."""
    marks = draw(meter_marks(least=0))
    record = draw(st.none() | st.just({"end_meter_mwh": 5000}))
    return Ended(
        at=marks[-1].at if marks else draw(instants),
        start_meter_mwh=marks[0].meter_mwh if marks else None,
        end_meter_mwh=marks[-1].meter_mwh if marks else None,
        charged_s=draw(st.integers(0, 100_000)),
        reason=draw(st.sampled_from(StopReason)),
        marks=marks,
        basis=draw(st.none() | st.just("last-reading")),
        record=record,
        float_dw=draw(st.none() | st.integers(0, 500)),
        told_at=draw(st.none() | instants) if record else None,
    )


def occurrences(
    kind: type[Occurrence], available_fen: int = 0, owed_fen: int = 0
) -> st.SearchStrategy[Any]:
    """What may occur, of one kind.

    @param available_fen: what the customer's wallet can give.
    @param owed_fen: what the customer owes for the order.
    """
    meters = st.none() | st.integers(0, 10**9)
    of_kind: dict[type[Occurrence], Callable[[], st.SearchStrategy[Any]]] = {
        StartDue: lambda: st.builds(StartDue, instants),
        Withdrawn: lambda: st.builds(Withdrawn, instants, st.just("user")),
        StartRefused: lambda: st.builds(StartRefused, instants, st.sampled_from(["busy", "fault"])),
        Started: lambda: st.builds(Started, instants, meters, st.none() | instants),
        Changed: lambda: st.builds(
            Changed,
            at=instants,
            by=st.just(7),
            limit_energy_mwh=st.none() | st.integers(1, 10**9),
            limit_duration_s=st.none() | st.integers(1, 10**6),
            limit_amount_fen=st.none() | st.integers(1, 10**6),
            until_full=st.booleans(),
        ),
        Sampled: lambda: st.builds(Sampled, meter_marks(), st.none() | st.just("first-reading")),
        Suspended: lambda: st.builds(Suspended, instants, st.just("link-lost")),
        Resumed: lambda: st.builds(Resumed, instants, st.sampled_from(["link-back", "power-back"])),
        Suspected: lambda: st.builds(
            Suspected, instants, st.sampled_from(Abnormality), st.just({"state": "idle"})
        ),
        Ended: ends,
        Billed: lambda: st.builds(Billed, instants, bills, st.just(available_fen)),
        Waived: lambda: st.builds(Waived, instants, st.just("nothing-drawn")),
        Doubted: lambda: st.builds(
            Doubted, instants, st.just("meter-went-back"), st.just({"rated_w": 1000})
        ),
        Judged: lambda: st.builds(
            Judged, instants, st.just(7), st.just("seen"), st.none() | ends()
        ),
        Corrected: lambda: st.builds(
            Corrected,
            instants,
            st.just(7),
            st.just("the meter was read"),
            ends(),
            bills,
            st.just(available_fen),
            st.just(owed_fen),
        ),
        HoldReleased: lambda: st.builds(HoldReleased, instants),
        Unplugged: lambda: st.builds(Unplugged, instants),
    }
    return of_kind[kind]()
