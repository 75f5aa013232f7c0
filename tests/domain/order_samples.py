"""Orders and what may occur to them, for tests: whatever the rules allow."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from chargecloud.domain.events import StopReason
from chargecloud.domain.occurrences import (
    Billed,
    Doubted,
    Ended,
    Occurrence,
    Sampled,
    Started,
    StartRefused,
)
from chargecloud.domain.order_value import Order
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark
from tests.harness import NOW

KINDS: tuple[type[Occurrence], ...] = (StartRefused, Started, Sampled, Ended, Billed, Doubted)

milliseconds = st.integers(0, 100_000_000).map(lambda number: timedelta(milliseconds=number))
instants = milliseconds.map(lambda since: NOW + since)
maybe_limit = st.none() | st.integers(1, 10**9)


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

ends = st.builds(
    lambda marks, charged_s, reason: Ended(
        marks[-1].at, marks[0].meter_mwh, marks[-1].meter_mwh, charged_s, reason, marks
    ),
    meter_marks(),
    st.integers(0, 100_000),
    st.sampled_from(StopReason),
)


def occurrences(kind: type[Occurrence], available_fen: int = 0) -> st.SearchStrategy[Any]:
    """What may occur, of one kind.

    @param available_fen: what the customer's wallet can give.
    """
    of_kind: dict[type[Occurrence], Callable[[], st.SearchStrategy[Any]]] = {
        StartRefused: lambda: st.builds(StartRefused, instants, st.sampled_from(["busy", "fault"])),
        Started: lambda: st.builds(Started, instants, st.integers(0, 10**9)),
        Sampled: lambda: st.builds(Sampled, meter_marks()),
        Ended: lambda: ends,
        Billed: lambda: st.builds(Billed, instants, bills, st.just(available_fen)),
        Doubted: lambda: st.builds(Doubted, instants, st.just("meter-went-back")),
    }
    return of_kind[kind]()
