"""
What is fuzzed: each dialect, by what its chargers may say.

An input's first byte chooses what has been said before, its second one the size of the pieces in
which the rest comes.  The rest comes at once as well: the same must be heard, and nothing may be
raised but a L{RemoteError}.  What fails raises an C{AssertionError}.
"""

import json
from collections.abc import Callable, Sequence

from attrs import frozen

from chargecloud.conformance.bench import Bench, in_pieces
from chargecloud.conformance.damage import same_chance
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.errors import BadFrame, RemoteError
from chargecloud.domain.events import Outcome, Reply
from chargecloud.interfaces import (
    Heard,
    IConversation,
    IDialect,
    Told,
    record_nothing,
    stopped_clock,
)
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.simulated import SimulatedDny
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.simulated import SimulatedOcpp
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.simulated import SimulatedYkc
from tests.dialects.native_pair import new_pair, open_pair, seal_of_charger

#: the largest piece
MOST_AT_ONCE = 32
#: a text frame of a client, and its mask
_TEXT, _MASKED, _MASK = 0x81, 0x80, bytes(4)


@frozen
class Beginning:
    """
    Where an input goes on.

    @ivar conversation: makes a conversation of which so much has been said.
    @ivar wire: makes the bytes on the wire of an input, which need not be its own: what a seal or a
        mask protects is fuzzed within it.
    """

    conversation: Callable[[], IConversation]
    wire: Callable[[bytes], bytes] = bytes


@frozen
class Target:
    """
    One dialect.

    @ivar beginnings: the first byte of an input chooses one of them.
    """

    dialect: IDialect
    beginnings: Sequence[Beginning]

    def __call__(self, data: bytes) -> None:
        """
        Say it.

        @raise AssertionError: if it is not taken as it should be.
        """
        if len(data) < 2:
            return
        beginning = self.beginnings[data[0] % len(self.beginnings)]
        wire = beginning.wire(data[2:])
        at_once = _say(beginning, [wire])
        in_parts = _say(beginning, list(in_pieces(wire, 1 + data[1] % MOST_AT_ONCE)))
        assert in_parts == at_once
        _tell(self.dialect, wire)


def _say(beginning: Beginning, pieces: Sequence[bytes]) -> tuple[list[str], bool]:
    """What is heard, and whether the connection is over."""
    with same_chance():
        conversation = beginning.conversation()
        heard: list[Heard] = []
        is_over = False
        for piece in pieces:
            try:
                heard += conversation.receive(piece)
            except RemoteError:
                is_over = True
            if is_over or conversation.failure is not None:
                is_over = True
                break
        for each in heard:
            if isinstance(each, Told) and each.ticket is not None:
                conversation.acknowledge(each.identity, each.ticket, Reply(Outcome.KEPT))
        conversation.data_to_send()
    return [repr(each) for each in heard], is_over


def _tell(dialect: IDialect, wire: bytes) -> None:
    """The same bytes in words, for people."""
    try:
        frames = dialect.decode(wire)
    except BadFrame:
        return
    for frame in frames:
        json.dumps(dict(frame.fields))


def sealed(data: bytes) -> bytes:
    """Messages of the own protocol, each behind its length, in frames that open."""
    seal = seal_of_charger(frames_sent=1)
    wire = b""
    while data:
        size, data = data[0], data[1:]
        wire += seal.frame(data[: min(size, 245)])
        data = data[size:]
    return wire


def masked(data: bytes) -> bytes:
    """Lines of text as messages of a WebSocket's client."""
    wire = b""
    for line in data.split(b"\n"):
        if len(line) < 126:
            size = bytes([_MASKED | len(line)])
        else:
            size = bytes([_MASKED | 126]) + min(len(line), 0xFFFF).to_bytes(2, "big")
        wire += bytes([_TEXT]) + size + _MASK + line[:0xFFFF]
    return wire


def _after_login(dialect: IDialect, simulated: ISimulatedDialect) -> Callable[[], IConversation]:
    return lambda: Bench(dialect, simulated).connect().conversation


def _vendors(dialect: IDialect, simulated: ISimulatedDialect, *more: Beginning) -> Target:
    after_login = _after_login(dialect, simulated)
    return Target(
        dialect,
        [
            Beginning(lambda: dialect.conversation(record_nothing, stopped_clock)),
            Beginning(after_login),
            *more,
        ],
    )


TARGETS: dict[str, Target] = {
    "native": Target(
        NativeDialect(),
        [
            Beginning(lambda: new_pair().cloud),
            Beginning(lambda: open_pair().cloud),
            Beginning(lambda: open_pair().cloud, sealed),
        ],
    ),
    "dny": _vendors(DnyDialect(), SimulatedDny()),
    "ykc": _vendors(YkcDialect(), SimulatedYkc()),
    "ocpp": _vendors(
        OcppDialect(),
        SimulatedOcpp(),
        Beginning(_after_login(OcppDialect(), SimulatedOcpp()), masked),
    ),
}
