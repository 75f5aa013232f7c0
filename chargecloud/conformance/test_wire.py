"""Bytes: however they come, and whatever they are."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from chargecloud.conformance.bench import (
    ORDER,
    Bench,
    byte_by_byte,
    in_pieces,
    only_remote_errors,
    whole,
)
from chargecloud.conformance.damage import BadNetwork, Damage, Harm, same_chance
from chargecloud.domain.commands import Command, StartCharge, StopCharge
from chargecloud.domain.errors import BadFrame, RemoteError
from chargecloud.interfaces import IConversation, IDialect, Told
from chargecloud.simulator.speaking import ISession, ISimulatedDialect

NewBench = Callable[..., Bench]

#: the fixtures only read plugins; a bench is new for each example
FUZZING = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
#: bytes of noise that a conversation takes, all of which it may keep only up to a limit
MUCH = 300_000
#: bytes, longer than any good piece: what is longer need not come byte by byte to its end
MUCH_AT_ONCE = 1_500
#: of what came, what a conversation may still hold
MOST_HELD = 100_000


def test_it_keeps_to_the_interfaces(dialect: Any, new_bench: NewBench) -> None:
    """Each method is there, and takes what it is given."""
    verifyObject(IDialect, dialect)
    bench = new_bench().connect()
    verifyObject(ISimulatedDialect, bench.simulated)
    verifyObject(IConversation, bench.conversation)
    verifyObject(ISession, bench.session)


def test_it_is_recognised_by_its_first_bytes(dialect: Any, new_bench: NewBench) -> None:
    """One more byte never makes a yes a no; it is decided before a request line is over."""
    bench = new_bench()
    session = bench.link.new_session()
    session.open()
    first = session.data_to_send()[:512]
    verdicts = [dialect.recognises(first[:size]) for size in range(1, len(first) + 1)]
    assert True in verdicts, "a charger's own first bytes are not recognised"
    decided = verdicts[verdicts.index(True) :]
    assert set(decided) == {True}
    assert False not in verdicts


@FUZZING
@given(first=st.binary(min_size=1, max_size=64))
def test_recognising_never_fails(dialect: Any, first: bytes) -> None:
    """Whatever comes: yes, no, or not yet."""
    assert dialect.recognises(first) in (True, False, None)


def test_others_are_not_recognised(dialect: Any) -> None:
    """A web browser that has the wrong port, and a TLS client."""
    assert dialect.recognises(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") is not True
    assert dialect.recognises(bytes.fromhex("16030100c8010000c40303")) is not True


def test_split_or_glued_it_says_the_same(new_bench: NewBench) -> None:
    """A whole charge, byte by byte."""
    stories = [_life(new_bench(pieces=cut)).story() for cut in (whole, byte_by_byte)]
    assert stories[0] == stories[1]
    assert stories[0], "nothing was heard at all"


def _life(bench: Bench) -> Bench:
    bench.connect().plug()
    bench.start()
    bench.pass_time(30)
    bench.stop()
    return bench.pass_time(30)


@FUZZING
@given(noise=st.binary(min_size=1, max_size=400))
def test_noise_before_the_login_is_borne(dialect: Any, noise: bytes) -> None:
    """It is no charger, or is closed; nothing else is raised."""
    only_remote_errors(dialect.conversation(lambda *_frame: None, lambda: 0.0), noise)


@FUZZING
@given(noise=st.binary(min_size=1, max_size=400))
def test_noise_after_the_login_is_borne(new_bench: NewBench, noise: bytes) -> None:
    """The connection may end, and nothing else is raised."""
    bench = new_bench().connect()
    only_remote_errors(bench.conversation, noise)


@FUZZING
@given(data=st.data())
def test_flipped_bits_are_borne(new_bench: NewBench, data: st.DataObject) -> None:
    """In whatever the charger sends next."""
    bench = new_bench().connect()
    bench.plugged()
    bench.session.work()
    sent = bytearray(bench.session.data_to_send())
    assert sent, "a charger into which somebody plugs says nothing"
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(sent) - 1))
        sent[at] ^= 1 << data.draw(st.integers(0, 7))
    only_remote_errors(bench.conversation, bytes(sent))


DAMAGES = st.lists(
    st.builds(
        Damage,
        piece=st.integers(0, 12),
        harm=st.sampled_from(Harm),
        where=st.floats(0, 1, exclude_max=True),
        much=st.integers(0, 31),
        noise=st.binary(max_size=40),
    ),
    max_size=4,
)
#: more of what no frame is long enough for than a conversation may hold
MUCH_TOO_LONG = [Damage(3, Harm.ENLARGE, 0.5)] * 8


@settings(FUZZING, max_examples=40)
@example(damages=MUCH_TOO_LONG, size=40)
@given(damages=DAMAGES, size=st.integers(2, 40))
def test_damage_is_the_same_however_it_comes(
    new_bench: NewBench, damages: list[Damage], size: int
) -> None:
    """A whole charge of which something was flipped, cut off, lost, repeated, replayed, delayed,
    inserted, enlarged or filled: whatever pieces it comes in, the same is heard, the connection
    ends or goes on alike, and nothing is hoarded."""

    def some_bytes(data: bytes) -> Iterator[bytes]:
        yield from in_pieces(data, size if len(data) < MUCH_AT_ONCE else MUCH_AT_ONCE // 3)

    def dribble(data: bytes) -> Iterator[bytes]:
        yield from byte_by_byte(data[:MUCH_AT_ONCE])
        yield from in_pieces(data[MUCH_AT_ONCE:], MUCH_AT_ONCE)

    benches = [
        _battered(new_bench(pieces=BadNetwork(damages, cut), is_rough=True))
        for cut in (whole, some_bytes, dribble)
    ]
    outcomes = [(bench.tale(), bench.has_hung_up) for bench in benches]
    assert outcomes[1] == outcomes[0]
    assert outcomes[2] == outcomes[0]
    assert all(_held(bench.conversation) < MOST_HELD for bench in benches)


def _battered(bench: Bench) -> Bench:
    """A charge, as far as it comes, and shorter than any silence after which a dialect asks for a
    sign of life: it would ask when half a frame has come, and not when a whole one has."""

    def tell(command: Command) -> None:
        # the gateway gives commands to nobody else
        if bench.is_in and not bench.has_hung_up:
            bench.command(command)

    with same_chance():
        bench.connect().plug()
        tell(StartCharge(ORDER, 1, int(bench.clock.seconds()) + 600))
        bench.pass_time(20, step_s=10)
        tell(StopCharge(ORDER, 1))
        bench.pass_time(10, step_s=10)
        bench.charger.unplug(1, bench.calendar.now())
        return bench.pass_time(20, step_s=10)


def test_noise_is_not_hoarded(dialect: Any) -> None:
    """Who sends without an end is refused, or what they send is dropped."""
    conversation = dialect.conversation(lambda *_frame: None, lambda: 0.0)
    beginning = bytes(range(256)) * 4
    for _ in range(MUCH // len(beginning)):
        if not only_remote_errors(conversation, beginning):
            return
    held = _held(conversation)
    assert held < MOST_HELD, f"{held} bytes of {MUCH} are still there"


def _held(thing: Any, depth: int = 0) -> int:
    """Bytes in buffers within an object, as far as its own attributes show."""
    if isinstance(thing, bytes | bytearray):
        return len(thing)
    if depth > 4:
        return 0
    if isinstance(thing, list | tuple | set | deque):
        return sum(_held(each, depth + 1) for each in thing)
    if isinstance(thing, dict):
        return sum(_held(each, depth + 1) for each in thing.values())
    names = [*getattr(thing, "__dict__", {}), *getattr(type(thing), "__slots__", ())]
    return sum(_held(getattr(thing, name, None), depth + 1) for name in names)


def test_a_fault_behind_good_frames_takes_nothing_from_them(new_bench: NewBench) -> None:
    """What was heard before it stands."""
    bench = new_bench().connect().plug()
    bench.start()
    bench.charger.unplug(1, bench.calendar.now())
    bench.session.work()
    good = bench.session.data_to_send()
    assert good, "a charger from which a plug was pulled says nothing"
    try:
        heard = bench.conversation.receive(good + b"\xff\x00\xff\x00" * 8)
    except RemoteError as error:
        raise AssertionError(f"the good frames were lost with the bad one: {error}") from error
    assert [each for each in heard if isinstance(each, Told)]


def test_what_is_recorded_can_be_told(dialect: Any, new_bench: NewBench) -> None:
    """Each frame that the dialect gives to the flight recorder, it can put into words, as plain
    JSON."""
    frames: list[tuple[str, bool, bytes, bytes | None]] = []
    bench = new_bench()
    made = dialect.conversation

    class Recording:
        def __getattr__(self, name: str) -> Any:
            return getattr(dialect, name)

        def conversation(self, _record: Any, seconds: Any) -> Any:
            return made(lambda *frame: frames.append(frame), seconds)

    bench.dialect = cast(IDialect, Recording())
    _life(bench)
    assert any(is_up for _, is_up, _, _ in frames)
    assert any(not is_up for _, is_up, _, _ in frames)
    for identity, is_up, raw, opened in frames:
        assert identity == bench.charger.identity
        described = dialect.describe(is_up, raw, opened)
        assert described.kind
        json.dumps(dict(described.fields))


@FUZZING
@given(data=st.binary(max_size=200))
def test_decoding_gives_frames_or_says_there_are_none(dialect: Any, data: bytes) -> None:
    """C{BadFrame}, and nothing else."""
    try:
        frames = dialect.decode(data)
    except BadFrame:
        return
    assert all(frame.kind for frame in frames)


def test_a_golden_frame_is_decoded(dialect: Any, valid_frame: dict[str, Any]) -> None:
    """One frame, in words."""
    raw = bytes.fromhex(valid_frame["hex"])
    (frame,) = dialect.decode(raw)
    assert frame.kind
    if "direction" in valid_frame:
        dialect.describe(valid_frame["direction"] != "down", raw, None)


def test_a_golden_fault_is_found(dialect: Any, invalid_frame: dict[str, Any]) -> None:
    """It is no whole frame and nothing else."""
    try:
        dialect.decode(bytes.fromhex(invalid_frame["hex"]))
    except BadFrame:
        return
    raise AssertionError(f"{invalid_frame.get('reason', 'a fault')} was not found")


def test_facts_name_the_charger(new_bench: NewBench) -> None:
    """By the identity that was registered."""
    bench = _life(new_bench())
    assert {told.identity for told in bench.of(Told)} == {bench.charger.identity}
