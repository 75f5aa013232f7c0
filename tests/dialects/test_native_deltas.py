"""Differences: whatever ports measure, the cloud hears what a full report would have said."""

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.deltas import Baseline
from chargecloud.domain.charger import ChargerTime, PortState, RelayState
from chargecloud.domain.errors import BadFrame
from chargecloud.domain.events import PortReading, PortsReported
from chargecloud.interfaces import Told
from tests.dialects.native_pair import BOOT, IDENTITY, open_pair

small = st.integers(0, 5_000)
maybe = st.none() | small


def readings(port: int) -> st.SearchStrategy[PortReading]:
    """A port's, of quantities that come near each other from one time to the next."""
    return st.builds(
        PortReading,
        port=st.just(port),
        state=st.sampled_from([PortState.CHARGING, PortState.IDLE]),
        power_dw=maybe,
        meter_mwh=st.none() | st.integers(10**6, 10**6 + 10_000),
        voltage_dv=maybe,
        current_ma=maybe,
        temperature_dc=st.none() | st.integers(-400, 900),
        order_id=st.none() | st.just(7),
        power_factor_permille=st.none() | st.integers(0, 1000),
        leakage_ua=maybe,
        relay=st.none() | st.sampled_from([RelayState.OPEN, RelayState.CLOSED]),
    )


reports = st.lists(
    st.sets(st.integers(1, 5), min_size=1).flatmap(
        lambda ports: st.tuples(*(readings(port) for port in sorted(ports)))
    ),
    min_size=1,
    max_size=8,
)


@given(reports, st.lists(st.integers(0, 300), min_size=8, max_size=8), st.integers(0, 8))
def test_reports_are_heard_as_they_were_made(
    told: list[tuple[PortReading, ...]], steps: list[int], lost_after: int
) -> None:
    """Through any sequence, and over a connection that is lost in the middle: the next one
    begins in full, as the far side may not have had the last."""
    pair, uptime_s = open_pair(), 100
    for number, ports in enumerate(told):
        if number == lost_after:
            pair = open_pair()
        uptime_s += steps[number]
        report = PortsReported(ChargerTime(BOOT, uptime_s), ports)
        pair.charger.report(report)
        heard = pair.up()
        assert [each.event for each in heard if isinstance(each, Told)] == [report]
        assert {each.identity for each in heard} == {IDENTITY}


@given(
    st.fixed_dictionaries(
        {"seconds": st.integers(0, 2**32 - 1), "ports": st.integers(0, 2**64 - 1)},
        optional={
            name: st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)
            for name in ("power_dw", "voltage_dv", "temperature_dc", "leakage_ua")
        },
    )
)
def test_any_difference_is_a_report_or_refused(delta: dict[str, object]) -> None:
    """No quantity comes out of its bounds, and no port out of nowhere."""
    baseline = Baseline()
    port = {"port": 1, "power_dw": 10, "voltage_dv": 2_200, "temperature_dc": 250}
    baseline.keep({"uptime_s": 5, "ports": [port]})
    try:
        whole = baseline.whole(delta)
    except BadFrame:
        return
    (told,) = whole["ports"]
    assert 0 <= told["power_dw"] < 2**32
    assert 0 <= told["voltage_dv"] < 2**32
    assert -(2**31) <= told["temperature_dc"] < 2**31
    assert "leakage_ua" not in told


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), small, st.integers(-400, 900)), min_size=2, max_size=10
    )
)
def test_what_goes_down_is_told_in_full(quantities: list[tuple[int, int, int]]) -> None:
    """A register that was exchanged, too: a difference of it can only say that it rose."""
    pair = open_pair()
    for number, (meter_mwh, power_dw, temperature_dc) in enumerate(quantities):
        reading = PortReading(
            1,
            PortState.CHARGING,
            power_dw=power_dw,
            meter_mwh=meter_mwh,
            temperature_dc=temperature_dc,
            order_id=7,
        )
        report = PortsReported(ChargerTime(BOOT, 100 + 60 * number), (reading,))
        pair.charger.report(report)
        assert [each.event for each in pair.up() if isinstance(each, Told)] == [report]
