"""The way of a command to the connection that holds its charger."""

from chargecloud.domain.commands import Answer, StopCharge
from chargecloud.domain.errors import ChargerOffline, CommandTimedOut
from chargecloud.gateway.routing import COMMAND_DEADLINE_S
from tests.gateway.gate import Gate
from tests.harness import failure_of, result_of

STOP = StopCharge(order_id=1, port=1)


def test_a_charger_that_is_not_connected_is_offline() -> None:
    """It is said at once."""
    failure_of(Gate().routing.send(1, STOP), ChargerOffline)


def test_a_command_goes_to_the_connection_that_holds_the_charger() -> None:
    """Of several chargers to the one that is meant, on its newest connection."""
    gate = Gate()
    old, other, new = (gate.charger(who).log_in() for who in ("EB-1", "EB-2", "EB-1"))
    answered = gate.routing.send(gate.office.ids["EB-1"], STOP)
    new.pump()
    new.wire.answer(1, Answer(True))
    new.pump()
    assert result_of(answered) == Answer(True)
    assert old.line.take() == other.line.take() == b""


def test_a_command_ends_by_itself() -> None:
    """Without being told how long to wait, too."""
    gate = Gate()
    charger = gate.charger().log_in()
    answered = gate.routing.send(gate.office.ids["EB-1"], STOP)
    gate.clock.advance(COMMAND_DEADLINE_S - 0.1)
    assert not answered.called
    gate.clock.advance(0.2)
    failure_of(answered, CommandTimedOut)
    assert not charger.line.is_closing


def test_a_charger_whose_login_is_not_committed_is_offline() -> None:
    """It has proved itself, and may not be given commands yet."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    gate.charger().log_in()
    failure_of(gate.routing.send(gate.office.ids["EB-1"], STOP), ChargerOffline)
    gate.office.answer()
    assert not gate.routing.send(gate.office.ids["EB-1"], STOP).called


def test_a_charger_that_has_gone_is_offline() -> None:
    """From the moment on at which its connection ends."""
    gate = Gate()
    charger = gate.charger().log_in()
    gate.gateway.close_all()
    failure_of(gate.routing.send(gate.office.ids["EB-1"], STOP), ChargerOffline)
    assert charger.line.take() == b""
