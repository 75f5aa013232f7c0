from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_pair import (
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
)

from chargecloud.dialects.native.cloud import WAITING_LIMIT
from chargecloud.dialects.native.keys import CCM, GCM
from chargecloud.dialects.native.received import HeartbeatAnswered, Kept, Ordered
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer, SetTime, StopCharge, VendorCall
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
from chargecloud.domain.events import LoggedIn, Settled, TimeAsked
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

LOGIN = LoggedIn(
    boot=7,
    uptime_s=UPTIME_S,
    port_count=4,
    firmware="1.4.2",
    hardware="B2",
    iccid="89860012345678901234",
    imei="861234567890123",
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
        Proven(IDENTITY, LoggedIn(boot=7, uptime_s=UPTIME_S), FACTS.digest),
        Told(IDENTITY, ENDED, ticket=42),
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
    assert pair.cloud.receive(b"") == []
    with pytest.raises(NotAdmitted):
        pair.cloud.receive(b"\xc2")


@pytest.mark.parametrize(
    ("hello", "refusal"),
    [
        (bytes.fromhex("c00102"), bytes.fromhex("c3020102")),
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
    """Four bytes of WELCOME tell the suite; the tag of GCM is longer."""
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
        Told(IDENTITY, STARTED, ticket=41),
        Told(IDENTITY, ENDED, ticket=42),
        Answered(IDENTITY, 9, Answer(accepted=False, code="expired")),
        Told(IDENTITY, TimeAsked()),
    ]


@pytest.mark.parametrize("outcome", [Settled.KEPT, Settled.REFUSED])
def test_settled_record_may_be_forgotten(outcome: Settled) -> None:
    """The charger hears what became of its record, by the record's number."""
    pair = open_pair()
    pair.cloud.settle(IDENTITY, 42, outcome)
    assert pair.down() == [Kept(42, outcome)]


def test_record_that_was_not_kept_is_not_answered() -> None:
    """Silence makes the charger send it again."""
    pair = open_pair()
    pair.cloud.settle(IDENTITY, 42, Settled.LATER)
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
    pair.cloud.settle(IDENTITY, 1, Settled.KEPT)
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
        Told(IDENTITY, ENDED, ticket=42)
    ]
    pair.cloud.settle(IDENTITY, 42, Settled.KEPT)
    assert pair.down() == [Kept(42, Settled.KEPT)]
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

STATES: dict[str, Callable[[], Pair]] = {
    "new": new_pair,
    "claimed": claimed_pair,
    "login due": login_due_pair,
    "proof due": proof_due_pair,
    "open": open_pair,
}


def sealed(plaintext: bytes) -> Callable[[Pair], bytes]:
    """A message that the charger of a pair has sealed well, if it can seal at all."""

    def make(pair: Pair) -> bytes:
        seal = pair.charger._seal
        pair.charger.data_to_send()
        if seal is None:
            return b"\xc2\x09" + bytes(9)
        seal._sent = 1 if pair_is_open(pair) else 0
        return seal.frame(plaintext)

    return make


def pair_is_open(pair: Pair) -> bool:
    """Whether the cloud has opened the charger's LOGIN."""
    try:
        pair.cloud.command(IDENTITY, 1, SetTime(0))
    except ChargerOffline:
        return False
    return True
