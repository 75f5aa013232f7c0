import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from chargecloud.dialects.native.codes import ANSWER_CODES, OUTCOMES, PORT_STATES, STOP_REASONS
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.down import DOWN
from chargecloud.dialects.native.messages import DOWN_NUMBERS, UP_NUMBERS
from chargecloud.dialects.native.orders import COMMANDS
from chargecloud.dialects.native.up import PORT, UP
from chargecloud.domain.charger import PortState
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import Invalid
from chargecloud.domain.events import Outcome, PortReading, StopReason
from chargecloud.interfaces import IConversation, IDialect
from tests.dialects.native_pair import FACTS, IDENTITY, REPORT, UPTIME_S, new_pair, open_pair

#: whether it is another bike is only looked for by the platform
ONLY_THE_PLATFORM = {"swap_percent"}


def test_seams_are_kept() -> None:
    """The dialect and its conversations are what the gateway expects."""
    dialect = NativeDialect()
    assert verifyObject(IDialect, dialect)
    assert verifyObject(IConversation, dialect.conversation())


@given(st.integers(0, 255), st.binary(max_size=3))
def test_first_byte_tells(first: int, rest: bytes) -> None:
    """0xC0 begins a HELLO; it is the beginning of nothing else."""
    assert NativeDialect().recognises(bytes((first,)) + rest) is (first == 0xC0)


@pytest.mark.parametrize("identity", [IDENTITY, "a", "A-b_c.d:9", "x" * 32])
def test_identity_is_its_own_canonical_form(identity: str) -> None:
    """What may be an identity is left as it is."""
    assert NativeDialect().read_identity(identity) == identity


@pytest.mark.parametrize("identity", ["", "x" * 33, "a b", "EB-é", "a/b", "a\n"])
def test_impossible_identity_is_refused(identity: str) -> None:
    """No charger could say it, so none is registered by it."""
    with pytest.raises(Invalid):
        NativeDialect().read_identity(identity)


def test_nothing_of_the_domain_is_forgotten() -> None:
    """A field that a command or a reading gains in the domain needs a row in its table,
    and a value that an enumeration gains needs a number."""
    for command, message in COMMANDS.items():
        rows = {row.name for row in message.record.rows}
        # the rules of a cut-off are fields of their own
        rules = {attribute.name for attribute in fields(CutOff)} - ONLY_THE_PLATFORM
        told = {attribute.name for attribute in fields(command)}
        assert rows == {"number", *(told - {"cut_off"}), *(rules if "cut_off" in told else ())}
    assert [row.name for row in PORT.rows] == [each.name for each in fields(PortReading)]
    assert set(STOP_REASONS.values()) == set(StopReason) - {StopReason.WATCHDOG}
    assert set(PORT_STATES.values()) == set(PortState) - {PortState.UNKNOWN}
    assert set(OUTCOMES.values()) == set(Outcome) - {Outcome.LATER}
    assert ANSWER_CODES[0] == "ok"


def test_numbers_tell_directions_apart() -> None:
    """Nothing that goes up has a number of what goes down."""
    assert all(number in UP_NUMBERS and number > 0 for number in UP)
    assert all(number in DOWN_NUMBERS for number in DOWN)


# -- sizes, which the mobile network's bill depends on


def test_heartbeat_is_eleven_bytes_each_way() -> None:
    """Head, length, type and a tag of eight."""
    pair = open_pair()
    pair.charger.heartbeat()
    heartbeat = pair.charger.data_to_send()
    pair.cloud.receive(heartbeat)
    assert (len(heartbeat), len(pair.cloud.data_to_send())) == (11, 11)


def test_reconnecting_costs_less_than_120_bytes() -> None:
    """HELLO, WELCOME, and a heartbeat with its answer, for a charger that is known."""
    pair = new_pair()
    carried = []
    pair.charger.hello(UPTIME_S)
    carried.append(pair.charger.data_to_send())
    pair.cloud.receive(carried[-1])
    pair.welcome(FACTS.digest)
    carried.append(pair.cloud.data_to_send())
    pair.charger.receive(carried[-1])
    pair.charger.heartbeat()
    carried.append(pair.charger.data_to_send())
    pair.cloud.receive(carried[-1])
    carried.append(pair.cloud.data_to_send())
    assert [len(frame) for frame in carried] == [28, 36, 11, 11]
    assert sum(map(len, carried)) <= 120


def test_report_of_four_charging_ports_is_small() -> None:
    """What billing and safety need (state, power, meter, order) fits into 100 bytes; with
    voltage, current and temperature as well it is below 120."""
    pair = open_pair()
    lean = tuple(
        evolve(
            reading,
            meter_mwh=1_234_567_890,
            voltage_dv=None,
            current_ma=None,
            temperature_dc=None,
        )
        for reading in REPORT.readings
    )
    pair.charger.report(evolve(REPORT, readings=lean))
    assert len(pair.charger.data_to_send()) <= 100
    pair.charger.report(REPORT)
    assert len(pair.charger.data_to_send()) <= 120
