"""The curve of a charge: packed small, given back as it was, and whole after a restart."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.charging.curves import Sample, pack, unpack
from chargecloud.storage.schema import curves
from tests.harness import NOW, rows_of
from tests.world import World

milliseconds = st.integers(-(10**9), 10**12).map(lambda ms: NOW + timedelta(milliseconds=ms))
quantities = st.none() | st.integers(-(2**31), 2**62)
samples = st.builds(
    Sample, milliseconds, quantities, quantities, quantities, quantities, quantities
)


@given(st.lists(samples, max_size=20))
def test_a_piece_holds_what_was_packed(measured: list[Sample]) -> None:
    """Whatever was said and not said, in whatever order of time."""
    assert list(unpack(pack(measured))) == measured


def test_a_usual_minute_takes_ten_bytes() -> None:
    """A bike that draws some 300 W: power, register and current move a little."""
    minutes = [
        Sample(
            NOW + timedelta(minutes=minute),
            power_dw=3000 - 7 * minute,
            meter_mwh=5_000_000 + 5_000 * minute - minute * minute,
            voltage_dv=2200 + minute % 5,
            current_ma=1400 - 3 * minute,
            temperature_dc=250 + minute // 10,
        )
        for minute in range(240)
    ]
    assert len(pack(minutes)) <= 10 * 240 + 20


@pytest.mark.parametrize("piece", [b"", b"\x02", b"\xff\x00"])
def test_a_piece_of_another_form_is_told(piece: bytes) -> None:
    """It is not read as something else."""
    with pytest.raises(ValueError, match="not known"):
        unpack(piece)


def test_a_curve_goes_on_over_a_restart(tmp_path: Path) -> None:
    """What was written down and what is still in memory make one curve, in order, without a
    repetition; a kill costs at most what came since the last piece."""
    world = World(tmp_path)
    box = world.box().connect()
    order_id = world.order(box)["id"]
    box.begin()
    world.pass_time(1200, lambda: box.report(3_000))
    before = world.get(f"/orders/{order_id}/curve")["items"]
    assert len(before) >= 20
    assert rows_of(world.store, curves)
    world.killed()

    after = World(tmp_path, world.clock)
    items = after.get(f"/orders/{order_id}/curve")["items"]
    assert before[: len(items)] == items
    assert len(items) >= len(before) - 5
    assert [item["at"] for item in items] == sorted({item["at"] for item in items})


def test_a_curve_tells_what_was_measured(tmp_path: Path) -> None:
    """Power as it was, energy since the start, and nothing for what was not said."""
    world = World(tmp_path)
    box = world.box().connect()
    order_id = world.order(box)["id"]
    box.begin()
    world.pass_time(3600, lambda: box.report(5_000, power_dw=3_000))
    items = world.get(f"/orders/{order_id}/curve")["items"]
    last = items[-1]
    assert (last["power_w"], last["power_dw"], last["energy_wh"]) == (300, 3_000, 300)
    assert last["voltage_v"] is None
    assert world.http("GET", "/orders/99/curve")[0] == 404
