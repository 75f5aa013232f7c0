"""What a box costs on the wire stays within what networks are paid for by volume."""

from bench.wire import CAMPUS, CHARGE_MIN, DAY_MIN, measure


def test_the_own_protocol_spares_the_network() -> None:
    """A quarter of the boxes that are sold today, a thirtieth of OCPP-J; and a campus box for
    a month with all that TCP and IP put around it."""
    figures = measure()
    assert figures["wire_native_bytes"] <= 0.25 * figures["wire_dny_bytes"]
    assert figures["wire_native_bytes"] <= 0.03 * figures["wire_ocpp_bytes"]
    assert figures["wire_reconnect_bytes"] <= 120
    assert figures["wire_box_month_mb"] <= 6


def test_the_campus_day_is_one() -> None:
    """120 port-hours, all of them within the day that is counted."""
    assert len(CAMPUS) * CHARGE_MIN == 120 * 60
    assert max(begin + CHARGE_MIN for _port, begin in CAMPUS) < DAY_MIN
    by_port = [sorted(begin for port, begin in CAMPUS if port == each) for each in range(1, 11)]
    assert all(second - first >= CHARGE_MIN for first, second in by_port)
