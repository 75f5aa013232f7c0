from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.cloud import WAITING_LIMIT
from chargecloud.dialects.native.down import START
from chargecloud.dialects.native.facts import RecordTicket, record_fields, report_fields
from chargecloud.dialects.native.keys import CCM, GCM
from chargecloud.dialects.native.machine import TRANSITIONS, State
from chargecloud.dialects.native.orders import command_fields
from chargecloud.dialects.native.received import HeartbeatAnswered, Kept
from chargecloud.dialects.native.up import ANSWER, HEARTBEAT, TIME_WANTED
from chargecloud.dialects.native.up import ENDED as ENDED_MESSAGE
from chargecloud.dialects.native.up import LOGIN as LOGIN_MESSAGE
from chargecloud.dialects.native.up import REPORT as REPORT_MESSAGE
from chargecloud.dialects.native.up import STARTED as STARTED_MESSAGE
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer, StartCharge, StopCharge, VendorCall
from chargecloud.domain.errors import (
    BadFrame,
    BadTag,
    ChargerOffline,
    LimitExceeded,
    NotAdmitted,
    OutOfOrder,
    Refusal,
    RemoteError,
)
from chargecloud.domain.events import LoggedIn, Outcome, Reply, TimeAsked
from chargecloud.interfaces import (
    Alive,
    Answered,
    Claimed,
    Credentials,
    Heard,
    IConversation,
    Proven,
    Told,
)
from tests.dialects.native_pair import (
    ENDED,
    FACTS,
    GREETING,
    IDENTITY,
    ORDER,
    REPORT,
    SECRET,
    STARTED,
    UPTIME_S,
    Pair,
    claimed_pair,
    login_due_pair,
    new_pair,
    open_pair,
    proof_due_pair,
    seal_of_charger,
)

LOGIN = LoggedIn(
    boot=7,
    uptime_s=UPTIME_S,
    port_count=4,
    firmware="1.4.2",
    hardware="B2",
    iccid="89860012345678901234",
    imei="861234567890123",
    key_generation=1,
)
REFUSED_UNKNOWN = bytes.fromhex("c3020101")


def hello_bytes(suites: int = CCM.bit) -> bytes:
    """A good HELLO."""
    pair = new_pair(suites)
    pair.charger.hello(UPTIME_S)
    return pair.charger.data_to_send()


# -- the handshake


def test_charger_says_who_it_is() -> None:
    """A HELLO is a claim, and answered by nothing until the registry was asked."""
    pair = new_pair()
    pair.charger.hello(UPTIME_S)
    assert pair.up() == [Claimed(IDENTITY)]
    assert pair.cloud.data_to_send() == b""


def test_new_facts_are_asked_for() -> None:
    """A charger whose digest is not the known one logs in, and is proved by that."""
    pair = login_due_pair()
    assert pair.up() == [Proven(IDENTITY, LOGIN, FACTS.digest)]


def test_known_facts_are_not_asked_for() -> None:
    """A charger whose digest is known is proved by its first frame, whatever it says."""
    pair = proof_due_pair()
    assert pair.charger.data_to_send() == b""
    pair.charger.ended(42, ENDED)
    assert pair.up() == [
        Proven(IDENTITY, LoggedIn(boot=7, uptime_s=UPTIME_S, key_generation=1), FACTS.digest),
        Told(IDENTITY, ENDED, ticket=RecordTicket(42)),
    ]


@pytest.mark.parametrize(
    "credentials",
    [
        None,
        Credentials(secret=None),
        Credentials(Secret(SECRET.key, generation=2)),
    ],
    ids=["unknown", "without a secret", "another key's generation"],
)
def test_stranger_is_refused(credentials: Credentials | None) -> None:
    """Whoever the registry cannot prove is told one code, and must not go on."""
    pair = claimed_pair()
    pair.cloud.welcome(IDENTITY, credentials, GREETING)
    assert pair.cloud.data_to_send() == REFUSED_UNKNOWN
    for data in (b"", b"\xc2"):
        with pytest.raises(NotAdmitted):
            pair.cloud.receive(data)


@pytest.mark.parametrize(
    ("hello", "refusal"),
    [
        (bytes.fromhex("c00100"), bytes.fromhex("c3020102")),
        (hello_bytes(suites=0b100), bytes.fromhex("c3020103")),
    ],
    ids=["version", "suites"],
)
def test_what_we_do_not_speak_is_refused_at_once(hello: bytes, refusal: bytes) -> None:
    """No registry is asked about a charger that could not be spoken to."""
    cloud = new_pair().cloud
    with pytest.raises(NotAdmitted):
        cloud.receive(hello)
    assert cloud.data_to_send() == refusal


def test_gcm_is_used_by_who_offers_it() -> None:
    """A board that can do GCM asks for it by saying so; its frames have longer tags."""
    pair = open_pair(CCM.bit | GCM.bit)
    pair.charger.heartbeat()
    frame = pair.charger.data_to_send()
    assert len(frame) == 2 + 1 + GCM.tag_size
    assert pair.cloud.receive(frame) == [Alive(IDENTITY)]


def test_wrong_key_proves_nothing() -> None:
    """A charger with another key hears nothing from its WELCOME, and cannot go on."""
    pair = claimed_pair()
    pair.cloud.welcome(IDENTITY, Credentials(Secret(bytes(16), generation=1)), GREETING)
    with pytest.raises(BadTag):
        pair.down()


def test_frames_wait_for_the_welcome() -> None:
    """What comes too early is read after the welcome, and not before."""
    pair = new_pair()
    pair.charger.hello(UPTIME_S)
    early = b"\xc2\x09" + bytes(9)
    assert pair.cloud.receive(pair.charger.data_to_send() + early) == [Claimed(IDENTITY)]
    assert pair.cloud.receive(b"") == []
    pair.welcome()
    with pytest.raises(BadTag):
        pair.cloud.receive(b"")


def test_what_waits_is_limited() -> None:
    """Nobody fills our memory while the registry is asked."""
    pair = claimed_pair()
    assert pair.cloud.receive(bytes(WAITING_LIMIT)) == []
    with pytest.raises(LimitExceeded):
        pair.cloud.receive(b"\x00")


# -- the open session


def test_heartbeat_is_answered_by_the_conversation() -> None:
    """No room above takes part in a heartbeat."""
    pair = open_pair()
    pair.charger.heartbeat()
    assert pair.up() == [Alive(IDENTITY)]
    assert pair.down() == [HeartbeatAnswered()]


def test_facts_and_answers_are_told() -> None:
    """Each message up is one fact; records carry the ticket by which they are settled."""
    pair = open_pair()
    pair.charger.report(REPORT)
    pair.charger.started(41, STARTED)
    pair.charger.ended(42, ENDED)
    pair.charger.answer(9, Answer(accepted=False, code="expired"))
    pair.charger.ask_time()
    assert pair.up() == [
        Told(IDENTITY, REPORT),
        Told(IDENTITY, STARTED, ticket=RecordTicket(41)),
        Told(IDENTITY, ENDED, ticket=RecordTicket(42)),
        Answered(IDENTITY, 9, Answer(accepted=False, code="expired")),
        Told(IDENTITY, TimeAsked()),
    ]


@pytest.mark.parametrize("outcome", [Outcome.KEPT, Outcome.REFUSED])
def test_settled_record_may_be_forgotten(outcome: Outcome) -> None:
    """The charger hears what became of its record, by the record's number."""
    pair = open_pair()
    pair.cloud.acknowledge(IDENTITY, RecordTicket(42), Reply(outcome))
    assert pair.down() == [Kept(42, outcome)]


def test_record_that_was_not_kept_is_not_answered() -> None:
    """Silence makes the charger send it again."""
    pair = open_pair()
    pair.cloud.acknowledge(IDENTITY, RecordTicket(42), Reply(Outcome.LATER))
    assert pair.cloud.data_to_send() == b""


def test_command_of_another_dialect_is_refused() -> None:
    """What the native protocol has no message for is said at once."""
    with pytest.raises(Refusal):
        open_pair().cloud.command(IDENTITY, 1, VendorCall("dny", "reboot"))


@pytest.mark.parametrize("pair_of", [new_pair, claimed_pair, login_due_pair, proof_due_pair])
def test_nobody_is_commanded_unproved(pair_of: Callable[[], Pair]) -> None:
    """A charger gets no command before it has proved itself."""
    pair = pair_of()
    with pytest.raises(ChargerOffline):
        pair.cloud.command(IDENTITY, 1, StopCharge(ORDER, 2))
    pair.cloud.acknowledge(IDENTITY, RecordTicket(1), Reply(Outcome.KEPT))
    assert pair.cloud.data_to_send() == b""


def test_welcome_is_for_who_waits() -> None:
    """To welcome nobody, or somebody else, is our own fault."""
    with pytest.raises(RuntimeError):
        new_pair().welcome()
    with pytest.raises(RuntimeError):
        claimed_pair().cloud.welcome("EB-2", Credentials(SECRET), GREETING)


def test_record_before_a_fault_is_heard() -> None:
    """A fault does not take with it what came well in the same bytes; it comes next."""
    pair = open_pair()
    pair.charger.ended(42, ENDED)
    fault = b"\xc2\x09" + bytes(9)
    assert pair.cloud.receive(pair.charger.data_to_send() + fault) == [
        Told(IDENTITY, ENDED, ticket=RecordTicket(42))
    ]
    pair.cloud.acknowledge(IDENTITY, RecordTicket(42), Reply(Outcome.KEPT))
    assert pair.down() == [Kept(42, Outcome.KEPT)]
    with pytest.raises(BadTag):
        pair.cloud.receive(b"")


def test_failed_conversation_stays_failed() -> None:
    """After a fault nothing is heard and nobody is welcomed any more."""
    pair = claimed_pair()
    with pytest.raises(LimitExceeded):
        pair.cloud.receive(bytes(WAITING_LIMIT + 1))
    with pytest.raises(RemoteError):
        pair.cloud.receive(b"")
    pair.welcome()
    assert pair.cloud.data_to_send() == b""


# -- every state and every input

#: each state, how to come to it, and the sealed frames that the cloud has had by then
STATES: dict[str, tuple[Callable[[], Pair], int]] = {
    "new": (new_pair, 0),
    "login due": (login_due_pair, 0),
    "proof due": (proof_due_pair, 0),
    "open": (open_pair, 1),
}

#: messages that a charger may say in any order once it is proved, and what is heard in them
SAID: dict[bytes, list[Heard]] = {
    HEARTBEAT.write({}): [Alive(IDENTITY)],
    REPORT_MESSAGE.write(report_fields(REPORT)): [Told(IDENTITY, REPORT)],
    STARTED_MESSAGE.write(record_fields(41, STARTED)): [
        Told(IDENTITY, STARTED, ticket=RecordTicket(41))
    ],
    ENDED_MESSAGE.write(record_fields(42, ENDED)): [Told(IDENTITY, ENDED, ticket=RecordTicket(42))],
    ANSWER.write({"number": 9, "code": "ok"}): [Answered(IDENTITY, 9, Answer(accepted=True))],
    TIME_WANTED.write({}): [Told(IDENTITY, TimeAsked())],
    b"\x3f\x01\x01": [],
    b"\x7f": [],
    b"\xff\xff": [],
}
LOGIN_SAID = LOGIN_MESSAGE.write(asdict(FACTS))
#: well sealed, and never right
MISSAID: dict[bytes, type[RemoteError]] = {
    b"": BadFrame,
    b"\x01\x00": BadFrame,
    b"\x05\x01\x01": BadFrame,
    b"\x41": OutOfOrder,
    START.write(command_fields(1, StartCharge(ORDER, 2, 0))): OutOfOrder,
    b"\x7e": OutOfOrder,
}
#: frames that need no seal
BARE: dict[bytes, type[RemoteError]] = {
    hello_bytes(): OutOfOrder,
    b"\xc2\x09" + bytes(9): BadTag,
    b"\xc2\x00": BadTag,
    b"\xc2\xff": BadFrame,
    b"\xc1": BadFrame,
    b"\xc3": BadFrame,
    b"\xc5": BadFrame,
    b"\xca": BadFrame,
    b"\x68": BadFrame,
}


def expected(state: str, message: bytes) -> Sequence[Heard] | type[RemoteError]:
    """What the cloud is to make of a message that is sealed well."""
    if message in MISSAID:
        return MISSAID[message]
    if state == "login due":
        return [Proven(IDENTITY, LOGIN, FACTS.digest)] if message == LOGIN_SAID else OutOfOrder
    if message == LOGIN_SAID:
        return OutOfOrder
    known = [Proven(IDENTITY, LoggedIn(boot=7, uptime_s=UPTIME_S, key_generation=1), FACTS.digest)]
    return (known if state == "proof due" else []) + SAID[message]


def outcome_of(cloud: IConversation, data: bytes) -> Sequence[Heard] | type[RemoteError]:
    """What is heard, or how it fails."""
    try:
        return cloud.receive(data)
    except RemoteError as failure:
        return type(failure)


@given(
    st.sampled_from(["login due", "proof due", "open"]),
    st.sampled_from([*SAID, *MISSAID, LOGIN_SAID]),
)
def test_every_message_in_every_state(state: str, message: bytes) -> None:
    """The whole product of states with a key, and messages."""
    pair_of, frames_sent = STATES[state]
    frame = seal_of_charger(frames_sent).frame(message)
    assert outcome_of(pair_of().cloud, frame) == expected(state, message)


@given(st.sampled_from(sorted(STATES)), st.sampled_from(sorted(BARE)))
def test_every_bare_frame_in_every_state(state: str, frame: bytes) -> None:
    """The whole product of states, and frames that are not sealed by the charger."""
    want: Sequence[Heard] | type[RemoteError] = BARE[frame]
    if state == "new":
        if frame == hello_bytes():
            want = [Claimed(IDENTITY)]
        elif want is BadTag:
            want = OutOfOrder
    pair_of, _frames_sent = STATES[state]
    assert outcome_of(pair_of().cloud, frame) == want


@given(st.lists(st.sampled_from([*SAID, *MISSAID, LOGIN_SAID]), max_size=8), st.booleans())
def test_nothing_is_heard_before_the_proof(messages: list[bytes], is_known: bool) -> None:
    """On any walk a charger is proved once, first of all, and a fault ends the walk."""
    pair = proof_due_pair() if is_known else login_due_pair()
    seal = seal_of_charger(frames_sent=0)
    heard: list[Heard] = []
    failed = False
    for message in messages:
        outcome = outcome_of(pair.cloud, seal.frame(message))
        if isinstance(outcome, type):
            failed = True
        else:
            assert not failed
            heard += outcome
    proofs = [isinstance(each, Proven) for each in heard]
    assert not heard or (proofs[0] and proofs.count(True) == 1)


def test_table_speaks_of_every_state() -> None:
    """Every state but the failed one is entered by a row, and every row's end is a state
    that others begin in, or the end."""
    entered = {step.state for step in TRANSITIONS.values()} | {State.NEW, State.FAILED}
    assert entered == set(State)
    left = {state for state, _turn in TRANSITIONS}
    assert entered - left == {State.REFUSED, State.FAILED}


# -- bytes


def conversation_up() -> bytes:
    """All that a charger sends in one connection after its HELLO."""
    pair = claimed_pair()
    pair.welcome()
    pair.down()
    pair.charger.report(REPORT)
    pair.charger.started(41, STARTED)
    pair.charger.heartbeat()
    pair.charger.ended(42, ENDED)
    return pair.charger.data_to_send()


def heard_in(pieces: Sequence[bytes]) -> tuple[list[Heard], type[RemoteError] | None]:
    """What a welcomed conversation hears in pieces of bytes, and how it fails at last."""
    pair = claimed_pair()
    pair.welcome()
    heard: list[Heard] = []
    for piece in [*pieces, b""]:
        outcome = outcome_of(pair.cloud, piece)
        if isinstance(outcome, type):
            return heard, outcome
        heard += outcome
    return heard, None


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(0, 10_000), max_size=12), st.binary(max_size=20))
def test_pieces_do_not_matter(cuts: list[int], tail: bytes) -> None:
    """Whatever the pieces, the same is heard, and the same fault ends it."""
    data = conversation_up() + tail
    assert heard_in(split(data, cuts)) == heard_in([data])
    assert len(heard_in([data])[0]) == 5


def test_byte_by_byte_is_as_good_as_at_once() -> None:
    """The slowest network changes nothing."""
    data = conversation_up()
    assert heard_in([data[at : at + 1] for at in range(len(data))]) == heard_in([data])


@given(st.sampled_from(sorted(STATES)), st.lists(st.binary(max_size=300), max_size=4))
def test_any_bytes_are_heard_or_refused(state: str, pieces: list[bytes]) -> None:
    """Whatever comes, there are only values and remote errors."""
    pair = STATES[state][0]()
    for piece in pieces:
        outcome_of(pair.cloud, piece)


@given(st.binary(max_size=253))
def test_any_hello_is_heard_or_refused(body: bytes) -> None:
    """The one frame that strangers can make is read with the same care."""
    outcome = outcome_of(new_pair().cloud, bytes((0xC0, len(body) + 1, 1)) + body)
    assert isinstance(outcome, type) or isinstance(outcome[0], Claimed)


@given(st.binary(max_size=245))
def test_any_sealed_message_is_heard_or_refused(message: bytes) -> None:
    """A charger whose firmware is broken, and whose seal is good, is read with the same
    care."""
    outcome_of(open_pair().cloud, seal_of_charger(frames_sent=1).frame(message))
