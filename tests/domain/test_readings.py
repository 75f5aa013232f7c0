"""Two samples of one quantity at one moment: neither is taken for the right one."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PortReading
from chargecloud.domain.readings import one_for_each_port

values = st.none() | st.integers(0, 3)
readings = st.builds(
    PortReading,
    port=st.integers(1, 3),
    state=st.sampled_from(PortState),
    power_dw=values,
    meter_mwh=values,
    order_id=values,
)


def test_a_port_that_is_named_once_is_as_it_was() -> None:
    """Nothing is copied for nothing."""
    report = (PortReading(1, power_dw=5), PortReading(2))
    assert one_for_each_port(report) is report


def test_what_contradicts_itself_is_not_said() -> None:
    """The register that both agree on is; what only one says is."""
    one = PortReading(1, PortState.CHARGING, power_dw=2_000, meter_mwh=700, order_id=4)
    other = evolve(one, power_dw=9_000, order_id=None, voltage_dv=2_200)
    (agreed,) = one_for_each_port((one, other))
    assert agreed == evolve(one, power_dw=None, voltage_dv=2_200)


@given(st.lists(readings, max_size=6))
def test_each_port_is_told_once(report: list[PortReading]) -> None:
    """With nothing that nobody said, and nothing that two said differently."""
    agreed = one_for_each_port(report)
    assert [each.port for each in agreed] == list(dict.fromkeys(each.port for each in report))
    for each in agreed:
        of_port = [reading for reading in report if reading.port == each.port]
        for name in ("power_dw", "meter_mwh", "order_id"):
            said = {getattr(reading, name) for reading in of_port} - {None}
            assert getattr(each, name) == (said.pop() if len(said) == 1 else None)
