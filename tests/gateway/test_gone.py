"""A charger that has no connection any more: it is told once, and not when it has another."""

from datetime import datetime

import pytest

from chargecloud.domain.charger import Admission
from tests.gateway.gate import Gate, Office, logged_failures


class Faulty(Office):
    """An office with a bug."""

    def gone(self, admission: Admission, at: datetime) -> None:
        """Does not come back."""
        raise ZeroDivisionError


def lost(gate: Gate) -> list[tuple[int, int, float]]:
    """Who was said to be gone: charger, epoch, and when."""
    return [
        (admission.charger_id, admission.epoch, at.timestamp())
        for admission, at in gate.office.lost
    ]


@pytest.mark.parametrize("how", ["dropped", "silent", "deaf", "broken"])
def test_a_lost_charger_is_told_once(how: str) -> None:
    """However it was lost, at once, and not again when its socket is gone."""
    gate = Gate()
    charger = gate.charger().log_in()
    match how:
        case "dropped":
            charger.line.drop()
        case "silent":
            gate.clock.advance(90)
        case "deaf":
            charger.line.protocol.pauseProducing()
            gate.clock.advance(5)
        case "broken":
            charger.line.say(bytes((0xC0, 40)) + bytes(40))
    assert lost(gate) == [(1, 1, gate.clock.seconds())]
    if how != "dropped":
        gate.clock.advance(10)
        charger.line.drop()
    assert len(gate.office.lost) == 1
    assert not gate.is_online("EB-1")


def test_a_charger_that_was_displaced_is_not_gone() -> None:
    """It has a newer connection; only the end of that one is told."""
    gate = Gate()
    old, new = gate.charger().log_in(), gate.charger().log_in()
    gate.clock.advance(5)
    old.line.drop()
    assert lost(gate) == []
    new.line.drop()
    assert lost(gate) == [(1, 2, gate.clock.seconds())]


def test_a_login_that_was_told_too_late_takes_nobody_away() -> None:
    """The database answers the newer of two logins first."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    old, _new = gate.charger().log_in(), gate.charger().log_in()
    gate.office.answer(last=True)
    gate.office.answer()
    old.line.drop()
    assert lost(gate) == []
    assert gate.is_online("EB-1")


def test_who_was_not_admitted_was_never_there() -> None:
    """Neither a claim nor a proof is a presence."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    claimed, proven = gate.charger("EB-1").hello(), gate.charger("EB-2").log_in()
    for each in (claimed, proven, gate.charger("EB-3")):
        each.line.drop()
    gate.office.answer_all()
    assert lost(gate) == []


def test_all_boxes_of_a_host_go_with_it() -> None:
    """But for the one that has moved elsewhere."""
    gate = Gate()
    old, _new = gate.host("A", "B", "C"), gate.host("B")
    assert old.is_closing
    assert sorted(charger for charger, _, _ in lost(gate)) == [1, 3]


def test_a_service_that_stops_tells_of_nobody() -> None:
    """Whoever would write it down is being closed; the chargers come back to the next one."""
    gate = Gate()
    lines = [gate.charger(f"EB-{number}").log_in().line for number in range(3)]
    gate.gateway.close_all()
    for line in lines:
        line.drop()
    assert lost(gate) == []


def test_a_login_whose_connection_went_meanwhile_takes_the_older_one_down() -> None:
    """That one can decide nothing any more; its charger comes back with a newer epoch."""
    gate = Gate()
    old = gate.charger().log_in()
    gate.office.late = {"logged_in"}
    new = gate.charger().log_in()
    new.line.drop()
    assert not old.line.is_closing
    gate.office.answer()
    assert old.line.is_closing
    assert lost(gate) == [(1, 1, gate.clock.seconds())]


def test_who_cannot_be_told_takes_nobody_along() -> None:
    """A fault above is logged; the commands of the connection end, and so do its boxes."""
    gate = Gate()
    gate.gateway.events = Faulty()
    host = gate.host("A", "B")
    with logged_failures() as failures:
        host.drop()
    assert len(failures) == 2
    assert len(gate.presence) == 0
    assert gate.gateway.connections == 0
