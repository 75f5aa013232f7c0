from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.fields import U32, U63
from chargecloud.dialects.native.charger import Facts, NativeCharger, NotWelcomed
from chargecloud.dialects.native.codes import CARD_CODES, STOP_REASONS
from chargecloud.dialects.native.facts import CardTicket, RecordTicket
from chargecloud.dialects.native.frames import LONG_BODY
from chargecloud.dialects.native.received import (
    CardAnswered,
    HeartbeatAnswered,
    Kept,
    Ordered,
    Refused,
    Relayed,
    Welcomed,
)
from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.commands import Answer, Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import BadFrame, OutOfOrder, RemoteError
from chargecloud.domain.events import (
    CardPresented,
    ChargeEnded,
    ChargeStarted,
    OfflineStart,
    Outcome,
    PortReading,
    PortsReported,
    Reply,
)
from chargecloud.interfaces import Answered, Told
from tests.dialects.native_pair import (
    BOOT,
    ENDED,
    FACTS,
    IDENTITY,
    ORDER,
    REPORT,
    STARTED,
    Pair,
    claimed_pair,
    login_due_pair,
    new_pair,
    open_pair,
    seal_of_cloud,
)

u32 = st.integers(0, U32)
u63 = st.integers(0, U63)
ports = st.integers(1, 255)
i32 = st.integers(-(2**31), 2**31 - 1)


def maybe(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    """A value, or nothing said."""
    return st.none() | values


readings = st.builds(
    PortReading,
    port=ports,
    state=st.sampled_from(PortState),
    power_dw=maybe(u32),
    meter_mwh=maybe(u63),
    voltage_dv=maybe(u32),
    current_ma=maybe(u32),
    temperature_dc=maybe(i32),
    order_id=maybe(u63),
)
#: rules that a charger is told; the usual ones are not said, which is the same to it
cut_offs = st.builds(
    CutOff,
    **{
        rule.name: st.integers(rule.metadata["minimum"], rule.metadata["maximum"])
        for rule in fields(CutOff)
        if rule.name != "swap_percent"
    },
).filter(lambda rules: rules != CutOff())
cards = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=32)
#: what a record is of: an order, a charge that was begun offline, or one that has become an
#: order since
whose = st.one_of(
    st.fixed_dictionaries({"order_id": u63, "offline": st.none()}),
    st.fixed_dictionaries(
        {"order_id": maybe(u63), "offline": st.builds(OfflineStart, u32, st.none() | cards)}
    ),
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        StartCharge,
        order_id=u63,
        port=ports,
        valid_until_s=u63,
        limit_energy_mwh=maybe(u63),
        limit_duration_s=maybe(u32),
        until_full=st.booleans(),
        cut_off=st.none() | cut_offs,
    ),
    st.builds(StopCharge, order_id=u63, port=ports),
    st.builds(SetTime, unix_s=u63),
)
charger_times = st.builds(ChargerTime, boot=u32, uptime_s=u32)


# -- round trips


@given(u32, st.lists(readings, max_size=40))
def test_report_arrives_as_it_was_made(uptime_s: int, ports_read: list[PortReading]) -> None:
    """All readings arrive, in as many frames as they need, each at the same uptime."""
    pair = open_pair()
    at = ChargerTime(BOOT, uptime_s)
    pair.charger.report(PortsReported(at, tuple(ports_read)))
    events = [heard.event for heard in pair.up() if isinstance(heard, Told)]
    reports = [event for event in events if isinstance(event, PortsReported)]
    assert {report.at for report in reports} == {at}
    assert [reading for report in reports for reading in report.readings] == ports_read


@given(
    u32,
    whose,
    st.builds(ChargeStarted, order_id=u63, port=ports, start_meter_mwh=maybe(u63), at=charger_times)
    | st.builds(
        ChargeEnded,
        order_id=u63,
        port=ports,
        start_meter_mwh=maybe(u63),
        end_meter_mwh=maybe(u63),
        duration_s=maybe(u32),
        reason=st.sampled_from(list(STOP_REASONS.values())),
        at=charger_times,
    ),
)
def test_record_arrives_as_it_was_made(
    record: int, of: dict[str, Any], event: ChargeStarted | ChargeEnded
) -> None:
    """A record keeps its number and its own boot, which may be an earlier one; what was not
    measured is not said."""
    pair = open_pair()
    event = evolve(event, **of)
    if isinstance(event, ChargeStarted):
        pair.charger.started(record, event)
    else:
        pair.charger.ended(record, event)
    assert pair.up() == [Told(IDENTITY, event, ticket=RecordTicket(record))]


def test_record_of_nothing_is_not_written() -> None:
    """A charge has an order or a number of the charger's own."""
    with pytest.raises(ValueError, match="number of the charger's own"):
        open_pair().charger.started(1, evolve(STARTED, order_id=None))


@given(u32, ports, cards, u32)
def test_card_arrives_as_it_was_presented(number: int, port: int, uid: str, uptime_s: int) -> None:
    """With what its answer will refer to."""
    pair = open_pair()
    pair.charger.card(number, port, uid, uptime_s)
    presented = CardPresented(uid, port, number, ChargerTime(BOOT, uptime_s))
    assert pair.up() == [Told(IDENTITY, presented, ticket=CardTicket(number))]


@given(u32, st.sampled_from(list(CARD_CODES.values())), maybe(u63), maybe(u63))
def test_card_is_answered(
    number: int, code: str, order_id: int | None, balance_fen: int | None
) -> None:
    """Whoever stands there hears what was decided."""
    pair = open_pair()
    reply = Reply(Outcome.KEPT, code, order_id, balance_fen)
    pair.cloud.acknowledge(IDENTITY, CardTicket(number), reply)
    assert pair.down() == [CardAnswered(number, code, order_id, balance_fen)]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(Outcome.LATER), "not-now"),
        (Reply(Outcome.REFUSED, "start-key-reused"), "refused"),
    ],
)
def test_card_is_always_answered(reply: Reply, code: str) -> None:
    """Also when nothing could be decided, or for a reason that has no number."""
    pair = open_pair()
    pair.cloud.acknowledge(IDENTITY, CardTicket(6), reply)
    assert pair.down() == [CardAnswered(6, code)]


@given(u32, maybe(u63))
def test_offline_charge_is_told_its_order(record: int, order_id: int | None) -> None:
    """By the answer to its record."""
    pair = open_pair()
    reply = Reply(Outcome.KEPT, order_id=order_id)
    pair.cloud.acknowledge(IDENTITY, RecordTicket(record), reply)
    assert pair.down() == [Kept(record, Outcome.KEPT, order_id)]


@given(u32, commands)
def test_command_arrives_as_it_was_made(number: int, command: Command) -> None:
    """A command keeps its number; a limit that is not set is not said."""
    pair = open_pair()
    pair.cloud.command(IDENTITY, number, command)
    assert pair.down() == [Ordered(number, command)]


@pytest.mark.parametrize(
    "code",
    ["busy", "no-such-port", "fault", "expired", "not-plugged", "unknown-command", "refused"],
)
def test_answer_arrives_as_it_was_made(code: str) -> None:
    """Each reason that the platform knows has a number."""
    pair = open_pair()
    pair.charger.answer(7, Answer(accepted=False, code=code))
    assert pair.up() == [Answered(IDENTITY, 7, Answer(accepted=False, code=code))]


def test_reason_without_a_number_is_a_plain_refusal() -> None:
    """A charger's own reason is not lost altogether."""
    pair = open_pair()
    pair.charger.answer(7, Answer(accepted=False, code="too-hot"))
    assert pair.up() == [Answered(IDENTITY, 7, Answer(accepted=False, code="refused"))]


# -- the order of things


def test_login_follows_a_welcome_that_wants_it() -> None:
    """The charger logs in by itself, and says nothing before the cloud has proved itself."""
    pair = claimed_pair()
    assert pair.charger.data_to_send() == b""
    pair.welcome()
    assert pair.down() == [Welcomed(unix_s=1_800_000_000, heartbeat_s=60)]
    assert pair.charger.data_to_send() != b""


def test_digest_changes_with_the_facts() -> None:
    """A new firmware is a reason to log in again."""
    assert Facts(firmware="1.4.3").digest != Facts(firmware="1.4.2").digest
    assert Facts(firmware="1.4.2").digest == Facts(firmware="1.4.2").digest


DATA: list[Callable[[NativeCharger], None]] = [
    NativeCharger.heartbeat,
    NativeCharger.ask_time,
    lambda charger: charger.report(REPORT),
    lambda charger: charger.started(1, STARTED),
    lambda charger: charger.ended(2, ENDED),
    lambda charger: charger.answer(1, Answer(accepted=True)),
]


@pytest.mark.parametrize("say", DATA)
@pytest.mark.parametrize("pair_of", [new_pair, claimed_pair])
def test_nothing_is_said_before_the_welcome(
    pair_of: Callable[[], Pair], say: Callable[[NativeCharger], None]
) -> None:
    """Nobody who has not proved to be the cloud hears any data."""
    charger = pair_of().charger
    with pytest.raises(NotWelcomed):
        say(charger)
    assert charger.data_to_send() == b""


def test_one_hello_in_a_connection() -> None:
    """A second HELLO is our own fault."""
    with pytest.raises(NotWelcomed):
        claimed_pair().charger.hello(13)


def test_refusal_ends_the_connection() -> None:
    """A refusal is told with its code; nothing goes on behind it."""
    charger = claimed_pair().charger
    assert charger.receive(bytes.fromhex("c3020104")) == [Refused(code=4)]
    with pytest.raises(OutOfOrder):
        charger.receive(bytes.fromhex("c3020104"))
    with pytest.raises(NotWelcomed):
        charger.heartbeat()


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ("c3020101", OutOfOrder),
        ("c1020101", OutOfOrder),
        ("c0", BadFrame),
        ("c7", BadFrame),
        ("ca04b1", BadFrame),
        ("44", BadFrame),
    ],
    ids=["refusal", "welcome", "hello", "reserved", "too long", "another protocol"],
)
def test_wrong_frame_closes_an_open_session(frame: str, fault: type[RemoteError]) -> None:
    """What is not sealed has no say in an open session."""
    pair = open_pair()
    with pytest.raises(fault):
        pair.charger.receive(bytes.fromhex(frame))
    with pytest.raises(fault):
        pair.charger.receive(b"")
    with pytest.raises(NotWelcomed):
        pair.charger.heartbeat()


@pytest.mark.parametrize("message", ["57ff01", "7e", "7f", "80"])
def test_message_of_a_later_version_is_skipped(message: str) -> None:
    """An unknown message disturbs nobody; the next one is received."""
    pair = open_pair()
    seal = seal_of_cloud(frames_sent=1)
    later = seal.frame(bytes.fromhex(message))
    assert pair.charger.receive(later + seal.frame(b"\x41")) == [HeartbeatAnswered()]


def test_field_of_a_later_version_is_skipped() -> None:
    """KEPT with a fourth field is KEPT all the same, and an outcome that is not known
    makes the charger hold on to its record."""
    charger = open_pair().charger
    seal = seal_of_cloud(frames_sent=1)
    assert charger.receive(seal.frame(bytes.fromhex("420b2a00aabb"))) == [Kept(42, Outcome.KEPT)]
    assert charger.receive(seal.frame(bytes.fromhex("42032a09"))) == [Kept(42, Outcome.LATER)]


def test_message_of_the_wrong_direction_is_out_of_order() -> None:
    """The cloud tells no facts."""
    with pytest.raises(OutOfOrder):
        open_pair().charger.receive(seal_of_cloud(frames_sent=1).frame(b"\x01"))


def test_long_frame_from_the_cloud_is_received() -> None:
    """Room for firmware: what is in it today is unknown, and skipped."""
    charger = open_pair().charger
    seal = seal_of_cloud(frames_sent=1)
    start = b"\xca" + LONG_BODY.to_bytes(2, "big")
    frame = start + seal.close(bytes([0x60]) * (LONG_BODY - 8), start)
    assert charger.receive(frame[:600]) == []
    assert charger.receive(frame[600:] + seal.frame(b"\x41")) == [HeartbeatAnswered()]


# -- bytes


@given(
    st.sampled_from([new_pair, claimed_pair, login_due_pair, open_pair]),
    st.lists(st.binary(max_size=300), max_size=4),
)
def test_any_bytes_are_received_or_refused(
    pair_of: Callable[[], Pair], pieces: list[bytes]
) -> None:
    """Whatever comes, there are only values and remote errors; and without a seal, nothing but a
    refusal, and what is for a device behind it, whose stream has a seal of its own."""
    charger = pair_of().charger
    for piece in pieces:
        try:
            received = charger.receive(piece)
        except RemoteError:
            continue
        assert all(isinstance(value, Refused | Relayed) for value in received)


@given(st.binary(max_size=245))
def test_any_sealed_message_is_received_or_refused(message: bytes) -> None:
    """A cloud that is broken, and whose seal is good, does the charger no harm."""
    try:
        received = open_pair().charger.receive(seal_of_cloud(frames_sent=1).frame(message))
    except RemoteError:
        return
    assert len(received) <= 1


@given(st.integers(1, 200))
def test_pieces_do_not_matter_to_the_charger(size: int) -> None:
    """Welcome and commands arrive the same in pieces of any size."""
    pair = claimed_pair()
    pair.welcome()
    welcome = pair.cloud.data_to_send()
    other = open_pair()
    other.cloud.command(IDENTITY, 1, StopCharge(ORDER, 2))
    other.cloud.acknowledge(IDENTITY, RecordTicket(42), Reply(Outcome.KEPT))
    data = welcome + other.cloud.data_to_send()
    received = [
        value
        for at in range(0, len(data), size)
        for value in pair.charger.receive(data[at : at + size])
    ]
    assert received == [
        Welcomed(unix_s=1_800_000_000, heartbeat_s=60),
        Ordered(1, StopCharge(ORDER, 2)),
        Kept(42, Outcome.KEPT),
    ]


def test_facts_in_pair_are_all_said() -> None:
    """The facts under test leave nothing out, so that every field of LOGIN is tried."""
    assert None not in (FACTS.firmware, FACTS.hardware, FACTS.iccid, FACTS.imei, FACTS.port_count)
