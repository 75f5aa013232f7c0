"""What somebody in the middle can do to a connection: end it, and nothing else."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native import keys
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.facts import RecordTicket
from chargecloud.dialects.native.keys import CCM, GCM
from chargecloud.dialects.native.messages import HELLO
from chargecloud.dialects.native.received import Ordered, Received, Refused
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.errors import BadFrame, BadTag, LimitExceeded, RemoteError
from chargecloud.interfaces import Claimed, Credentials, Told
from tests.dialects.native_pair import (
    BOOT,
    CONNECTION,
    ENDED,
    FACTS,
    GREETING,
    IDENTITY,
    ORDER,
    SECRET,
    UPTIME_S,
    Pair,
    claimed_pair,
    new_pair,
    open_pair,
)

STOP = StopCharge(ORDER, 2)


def flip(data: bytes, bit: int) -> bytes:
    """The bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def ended_frame(pair: Pair, record: int) -> bytes:
    """The next frame of a charger: the record of a charge."""
    pair.charger.ended(record, ENDED)
    return pair.charger.data_to_send()


def stop_frame(pair: Pair, number: int) -> bytes:
    """The next frame of the cloud: a command."""
    pair.cloud.command(IDENTITY, number, STOP)
    return pair.cloud.data_to_send()


@given(st.data())
def test_changed_record_is_not_heard(data: st.DataObject) -> None:
    """Whichever bit is changed, nothing is heard of the frame or of any after it."""
    pair = open_pair()
    frame = ended_frame(pair, 42)
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    following = ended_frame(pair, 43) + bytes(300)
    with pytest.raises(RemoteError):
        pair.cloud.receive(flip(frame, bit) + following)
    assert pair.cloud.data_to_send() == b""


@given(st.data())
def test_changed_command_is_not_received(data: st.DataObject) -> None:
    """The same towards the charger; nothing closes a relay but the cloud's own frame."""
    pair = open_pair()
    frame = stop_frame(pair, 1)
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    with pytest.raises(RemoteError):
        pair.charger.receive(flip(frame, bit) + stop_frame(pair, 2) + bytes(1300))
    assert pair.charger.data_to_send() == b""


@given(st.data())
def test_changed_hello_opens_nothing(data: st.DataObject) -> None:
    """Even a registry that knows the changed name by the same secret makes no session."""
    pair = new_pair()
    pair.charger.hello(UPTIME_S)
    hello = pair.charger.data_to_send()
    changed = flip(hello, data.draw(st.integers(0, 8 * len(hello) - 1)))
    received: Sequence[Received] = []
    with suppress(RemoteError):
        for heard in pair.cloud.receive(changed):
            pair.cloud.welcome(heard.identity, Credentials(SECRET), GREETING)
        received = pair.down()
    assert not [value for value in received if not isinstance(value, Refused)]


@given(st.data())
def test_changed_welcome_opens_nothing(data: st.DataObject) -> None:
    """The charger finds the cloud's proof broken, and says nothing."""
    pair = claimed_pair()
    pair.welcome()
    welcome = pair.cloud.data_to_send()
    changed = flip(welcome, data.draw(st.integers(0, 8 * len(welcome) - 1)))
    received: Sequence[Received] = []
    with suppress(RemoteError):
        received = pair.charger.receive(changed)
    assert not [value for value in received if not isinstance(value, Refused)]
    assert pair.charger.data_to_send() == b""


def test_weaker_suite_cannot_be_forced() -> None:
    """Striking GCM from a HELLO gives the two sides different keys."""
    pair = new_pair(CCM.bit | GCM.bit)
    pair.charger.hello(UPTIME_S)
    hello = pair.charger.data_to_send()
    suites = HELLO.read(hello[3:])
    weakened = hello[:3] + HELLO.write({**suites, "suites": CCM.bit})
    assert pair.cloud.receive(weakened) == [Claimed(IDENTITY)]
    pair.welcome()
    with pytest.raises(BadTag):
        pair.down()


def test_suite_that_was_not_offered_is_refused() -> None:
    """The same in the WELCOME is seen without any key."""
    pair = claimed_pair()
    pair.welcome()
    welcome = bytearray(pair.cloud.data_to_send())
    welcome[3] = GCM.number
    with pytest.raises(BadFrame):
        pair.charger.receive(bytes(welcome))


def test_other_version_cannot_be_forced() -> None:
    """A WELCOME of another version is refused, and a HELLO's makes a refusal at most."""
    pair = claimed_pair()
    pair.welcome()
    welcome = bytearray(pair.cloud.data_to_send())
    welcome[2] = 2
    with pytest.raises(BadFrame):
        pair.charger.receive(bytes(welcome))


def test_old_hello_gives_no_session() -> None:
    """A HELLO that is sent again is welcomed under another nonce: the frames of the first
    connection do not open in the second."""
    first = claimed_pair()
    first.welcome()
    first.down()
    login = first.charger.data_to_send()
    second = NativeDialect().conversation()
    hello = new_pair().charger
    hello.hello(UPTIME_S)
    second.receive(hello.data_to_send())
    second.welcome(IDENTITY, Credentials(SECRET), GREETING)
    with pytest.raises(BadTag):
        second.receive(login)


def test_old_welcome_gives_no_session() -> None:
    """A charger's next connection has another number, and with it another key."""
    first = claimed_pair()
    first.welcome()
    again = NativeCharger(IDENTITY, SECRET, BOOT, CONNECTION + 1, FACTS)
    again.hello(UPTIME_S)
    with pytest.raises(BadTag):
        again.receive(first.cloud.data_to_send())


def test_repeated_frame_is_not_heard_twice() -> None:
    """A record or a command that is sent again by somebody else does not open."""
    pair = open_pair()
    record, command = ended_frame(pair, 42), stop_frame(pair, 1)
    assert pair.cloud.receive(record) == [Told(IDENTITY, ENDED, ticket=RecordTicket(42))]
    with pytest.raises(BadTag):
        pair.cloud.receive(record)
    assert pair.charger.receive(command) == [Ordered(1, STOP)]
    with pytest.raises(BadTag):
        pair.charger.receive(command)


def test_frames_do_not_change_places() -> None:
    """The second frame before the first does not open; neither does it with one lost."""
    pair = open_pair()
    _first, second = ended_frame(pair, 42), ended_frame(pair, 43)
    with pytest.raises(BadTag):
        pair.cloud.receive(second)


def test_frame_is_not_taken_back_by_its_maker() -> None:
    """What a side has sent does not open there when it is sent back."""
    pair = open_pair()
    with pytest.raises(BadTag):
        pair.cloud.receive(stop_frame(pair, 1))
    other = open_pair()
    with pytest.raises(BadTag):
        other.charger.receive(ended_frame(other, 42))


def test_key_is_not_used_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A side gives the connection up before a nonce could come twice."""
    monkeypatch.setattr(keys, "COUNTER_LIMIT", 3)
    pair = open_pair()
    for record in (1, 2):
        pair.cloud.receive(ended_frame(pair, record))
    with pytest.raises(LimitExceeded):
        ended_frame(pair, 3)


def test_key_of_another_size_is_our_own_fault() -> None:
    """A registry that gives no AES-128 key is told so, and no session is made of it."""
    pair = claimed_pair()
    with pytest.raises(ValueError, match="16 bytes"):
        pair.cloud.welcome(IDENTITY, Credentials(Secret(b"short", generation=1)), GREETING)
