"""What ports and boxes said last: what a reading does not say stays as it was."""

from datetime import UTC, datetime

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.charging.live import LivePorts
from chargecloud.domain.charger import PortState
from chargecloud.domain.events import BoxReading, PortReading

CHARGER = 7
AT = datetime(2026, 11, 28, tzinfo=UTC)
SOME = st.none() | st.integers(0, 5)
PORT = st.builds(
    PortReading,
    port=st.just(3),
    state=st.sampled_from([PortState.UNKNOWN, PortState.IDLE, PortState.CHARGING]),
    power_dw=SOME,
    meter_mwh=SOME,
    leakage_ua=SOME,
)
BOX = st.builds(BoxReading, signal_dbm=SOME, smoke=st.none() | st.booleans())


@given(st.lists(PORT, min_size=1))
def test_a_port_has_the_newest_of_each_quantity(told: list[PortReading]) -> None:
    """Zero is said, and silence is not."""
    live = LivePorts()
    wanted = asdict(PortReading(3))
    for reading in told:
        live.take(CHARGER, reading, AT)
        for name, value in asdict(reading).items():
            if value is not None and value is not PortState.UNKNOWN:
                wanted[name] = value
    assert asdict(live.of(CHARGER)[3].reading) == wanted


@given(st.lists(BOX, min_size=1))
def test_a_box_has_the_newest_of_each_quantity(told: list[BoxReading]) -> None:
    """No smoke is said as well."""
    live = LivePorts()
    wanted = asdict(BoxReading())
    for reading in told:
        live.sense(CHARGER, reading, AT)
        wanted |= {name: value for name, value in asdict(reading).items() if value is not None}
    found = live.box(CHARGER)
    assert found is not None
    assert asdict(found.reading) == wanted
