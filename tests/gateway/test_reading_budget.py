"""Whether a connection is read: the bytes that it may send, and all reasons at once."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from chargecloud.gateway.protocol import MOST_IN_FLIGHT
from chargecloud.gateway.reading import BURST_BYTES, SHORTEST_PAUSE_S, Pause, Reading
from tests.gateway.gate import Gate, Line
from tests.harness import clock_at

RATE = 1_000
#: what Twisted reads in one go, at most
ONE_READ = 64 * 1024


def reading(bytes_a_second: int = RATE) -> tuple[Reading, StringTransport, Clock]:
    """A connection that has just begun."""
    transport, clock = StringTransport(), clock_at()
    return Reading(transport, clock, bytes_a_second), transport, clock


def is_read(line: Line) -> bool:
    """Whether we read from a connection."""
    return line.transport.producerState == "producing"


def beats(box: str, size: int) -> bytes:
    """So many bytes of signs of life."""
    return (f"beat {box}\n".encode() * size)[:size].rpartition(b"\n")[0] + b"\n"


# ------------------------------------------------------------------------------- the allowance


@given(
    st.lists(st.tuples(st.integers(1, ONE_READ), st.floats(0, 100)), max_size=40),
    st.sampled_from([256, 4_096, 1_000_000]),
)
def test_nobody_gets_more_read_than_a_burst_and_the_rate(
    coming: list[tuple[int, float]], rate: int
) -> None:
    """Whatever comes whenever: what is read stays below what is allowed and one read, and a
    pause ends when it is paid back."""
    limited, transport, clock = reading(rate)
    began_s = clock.seconds()
    read = 0
    for size, later_s in coming:
        if transport.producerState == "producing":
            limited.take(size, clock.seconds())
            read += size
        allowed = BURST_BYTES + rate * (clock.seconds() - began_s)
        assert read <= allowed + ONE_READ + 1
        clock.advance(later_s)
    clock.advance((BURST_BYTES + ONE_READ) / rate + 2 * SHORTEST_PAUSE_S)
    assert transport.producerState == "producing"
    assert clock.getDelayedCalls() == []


def test_a_pause_lasts_until_the_credit_is_paid_back() -> None:
    """2,000 bytes too many at 1,000 a second are two seconds."""
    limited, transport, clock = reading()
    limited.take(BURST_BYTES - 1, clock.seconds())
    assert transport.producerState == "producing"
    limited.take(2_001, clock.seconds())
    assert transport.producerState == "paused"
    clock.advance(1.99)
    assert transport.producerState == "paused"
    clock.advance(0.01 + 2 * SHORTEST_PAUSE_S)
    assert transport.producerState == "producing"


def test_who_keeps_to_the_rate_is_never_paused() -> None:
    """For an hour, second by second."""
    limited, transport, clock = reading()
    for _ in range(3_600):
        limited.take(RATE, clock.seconds())
        assert transport.producerState == "producing"
        clock.advance(1)
    limited.take(BURST_BYTES - 1, clock.seconds())
    assert transport.producerState == "producing"


def test_what_still_comes_after_the_pause_is_paid_for_as_well() -> None:
    """Under TLS, what was decrypted already is given to us all the same."""
    limited, transport, clock = reading()
    limited.take(BURST_BYTES + 1_000, clock.seconds())
    limited.take(3_000, clock.seconds())
    clock.advance(3.99)
    assert transport.producerState == "paused"
    clock.advance(0.01 + 2 * SHORTEST_PAUSE_S)
    assert transport.producerState == "producing"


# ---------------------------------------------------------------------------------- all reasons


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(Pause)), max_size=30))
def test_it_is_read_when_no_reason_is_left_and_only_then(
    steps: list[tuple[bool, Pause]],
) -> None:
    """In whatever order reasons come and go."""
    held, transport, _ = reading()
    reasons: set[Pause] = set()
    for comes, why in steps:
        if comes:
            held.pause(why)
            reasons.add(why)
        else:
            held.resume(why)
            reasons.discard(why)
        assert transport.producerState == ("paused" if reasons else "producing")
        assert [held.is_paused(each) for each in Pause] == [each in reasons for each in Pause]


def test_after_its_end_the_transport_is_left_alone() -> None:
    """A closing transport may not be read again, and no call waits for it."""
    held, transport, clock = reading()
    held.take(2 * BURST_BYTES, clock.seconds())
    held.stop()
    held.resume(Pause.BYTES)
    held.take(2 * BURST_BYTES, clock.seconds())
    held.pause(Pause.FACTS)
    held.resume(Pause.FACTS)
    assert transport.producerState == "paused"
    assert clock.getDelayedCalls() == []


# ------------------------------------------------------------------- through whole connections


def test_a_flood_is_answered_whole_and_then_waits() -> None:
    """Nothing is dropped; the rest stays in the charger's socket until we read on."""
    gate = Gate(bytes_a_second=RATE)
    host = gate.host("A")
    flood = beats("A", BURST_BYTES + 10_000)
    assert host.say(flood).count(b"alive A\n") == flood.count(b"\n")
    assert not is_read(host)
    assert not host.is_closing
    gate.clock.advance(12)
    assert is_read(host)


def test_undecided_facts_and_a_flood_have_to_be_over_both() -> None:
    """Whichever of the two ends first."""
    for flood_ends_first in (True, False):
        gate = Gate(bytes_a_second=RATE)
        gate.office.late = {"receive"}
        host = gate.host("A")
        host.say(b"".join(b"end A %d\n" % number for number in range(MOST_IN_FLIGHT)))
        host.say(beats("A", BURST_BYTES + 10_000))
        if flood_ends_first:
            gate.clock.advance(20)
            assert not is_read(host)
            gate.office.answer()
        else:
            gate.office.answer_all()
            assert not is_read(host)
            gate.clock.advance(20)
        assert is_read(host)


def test_a_connection_that_we_do_not_read_is_not_silent() -> None:
    """It may be that it speaks all the time; its silence counts from when we read on."""
    gate = Gate(bytes_a_second=256, heartbeat_s=30, missed=3)
    host = gate.host("A")
    host.say(beats("A", 2 * BURST_BYTES))
    pause_s = BURST_BYTES / 256
    gate.clock.pump([1.0] * int(pause_s - 2))
    assert not is_read(host)
    assert not host.is_closing
    gate.clock.advance(3)
    assert is_read(host)
    gate.clock.advance(85)
    assert not host.is_closing
    gate.clock.advance(10)
    assert host.is_closing


def test_a_connection_that_ends_while_it_is_not_read_leaves_nothing_behind() -> None:
    """Nor is its transport touched any more."""
    gate = Gate(bytes_a_second=RATE)
    host = gate.host("A")
    host.say(beats("A", 2 * BURST_BYTES))
    host.drop()
    assert gate.clock.getDelayedCalls() == []
    assert not is_read(host)
