"""Orders go into rows and come out of them as they were."""

import json
from datetime import datetime
from pathlib import Path

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from chargecloud.domain.decision import Decision, Insert
from chargecloud.domain.events import StopReason
from chargecloud.domain.order_rows import (
    changed_columns,
    instant_ms,
    instant_of,
    order_of,
    order_row,
)
from chargecloud.domain.order_value import Abnormality, Order, OrderState
from chargecloud.domain.tariff import Fee
from chargecloud.storage.schema import orders as orders_table
from tests.domain.order_samples import bills, instants, meter_marks, placed_orders
from tests.harness import clock_at, open_store, result_of


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Orders with any values in any column."""
    return evolve(
        draw(placed_orders()),
        state=draw(st.sampled_from(OrderState)),
        version=draw(st.integers(1, 9)),
        started_at=draw(st.none() | instants),
        suspended_at=draw(st.none() | instants),
        suspended_s=draw(st.integers(0, 10**6)),
        ended_at=draw(st.none() | instants),
        settled_at=draw(st.none() | instants),
        start_meter_mwh=draw(st.none() | st.integers(0, 10**9)),
        end_meter_mwh=draw(st.none() | st.integers(0, 10**9)),
        charged_s=draw(st.none() | st.integers(0, 10**6)),
        stop_reason=draw(st.none() | st.sampled_from(StopReason)),
        failure=draw(st.none() | st.just("busy")),
        basis=draw(st.none() | st.just("first-reading")),
        record=draw(st.none() | st.just({"end_meter_mwh": 5000, "told_at": None})),
        evidence=draw(st.none() | st.just({"rated_w": 1000})),
        abnormal=draw(st.none() | st.sampled_from(Abnormality)),
        float_dw=draw(st.none() | st.integers(0, 500)),
        unplugged_at=draw(st.none() | instants),
        marks=draw(meter_marks(least=0)),
        bill=draw(st.none() | bills),
    )


@given(orders())
def test_rows_keep_orders(order: Order) -> None:
    """Nothing is lost in a row, and its JSON columns are JSON."""
    row = order_row(order)
    assert order_of(row) == order
    for name in ("marks", "bill", "record", "evidence"):
        assert json.loads(json.dumps(row[name])) == row[name]


@given(orders())
def test_totals_stand_beside_the_bill(order: Order) -> None:
    """The amounts can be summed in SQL; without a bill they are absent, not zero."""
    row, bill = order_row(order), order.bill
    amounts = (row["electricity_fen"], row["service_fen"], row["amount_fen"])
    if bill is None:
        assert amounts == (None, None, None)
    else:
        fees = [bill.fee_fen(fee) for fee in (Fee.ELECTRICITY, Fee.SERVICE)]
        assert amounts == (*fees, sum(fees))


@given(orders(), orders())
def test_a_change_holds_what_differs(before: Order, after: Order) -> None:
    """Written over the row of the order before, it makes the row of the order after."""
    changed = changed_columns(before, after)
    assert {**order_row(before), **changed} == order_row(after)
    assert changed_columns(after, after) == {}


@given(instants)
def test_instants_are_kept_to_the_millisecond(instant: datetime) -> None:
    """There and back."""
    assert instant_of(instant_ms(instant)) == instant


def test_the_database_keeps_orders(tmp_path: Path) -> None:
    """Every column of an order has one in the table, of a type that keeps it."""
    store = open_store(tmp_path, clock_at())

    @given(orders())
    def keeps(order: Order) -> None:
        order = evolve(order, id=store.ids.next(), start_key=str(store.ids.next()))
        result_of(store.writer.decide(Decision((Insert("orders", order_row(order)),))))
        query = select(orders_table).where(orders_table.c.id == order.id)
        row = result_of(store.read(lambda connection: connection.execute(query).one()._asdict()))
        assert order_of(row) == order

    keeps()
    store.engine.dispose()
