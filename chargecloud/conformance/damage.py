"""What a bad network or a bad peer does to what a charger sends."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from random import Random
from unittest.mock import patch

from attrs import define, field, frozen

#: bytes, longer than any frame that a board of a charger could keep
OVERSIZED = 16_000


class Harm(Enum):
    """What can be done to a piece of what was sent."""

    FLIP = "a bit is another one"
    CUT = "its end is missing"
    LOSE = "it never comes"
    REPEAT = "it comes twice"
    REPLAY = "what came before it comes again"
    DELAY = "it comes behind what follows"
    INSERT = "bytes stand in it that nobody sent"
    ENLARGE = "a byte of it comes so often that no frame is so long"
    FILL = "bytes of it are all ones, as lengths and numbers may be"


@frozen
class Damage:
    """
    @ivar piece: which piece it is done to, counted from the first.
    @ivar where: the place in it, as a share of its length, so that it is the same one in a piece
        whose length differs.
    @ivar much: the bit that is flipped; how many bytes are filled.
    @ivar noise: what is inserted.
    """

    piece: int
    harm: Harm
    where: float = 0.0
    much: int = 0
    noise: bytes = b""


@define(eq=False)
class BadNetwork:
    """
    Does harm to a conversation as it goes, and hands it over in pieces.

    @ivar damages: what is done, and to which pieces.
    @ivar cut: how what arrives is cut.
    """

    damages: Sequence[Damage]
    cut: Callable[[bytes], Iterable[bytes]]
    _carried: int = field(default=0, init=False)
    _before: bytes = field(default=b"", init=False)
    _late: bytes = field(default=b"", init=False)

    def __call__(self, data: bytes) -> Iterator[bytes]:
        """What arrives of a piece, and when."""
        if not data:
            return
        arriving, number = data, self._carried
        self._carried += 1
        late, self._late = self._late, b""
        for damage in self.damages:
            if damage.piece == number:
                arriving = self._harm(arriving, damage)
        self._before = data
        yield from self.cut(arriving + late)

    def _harm(self, data: bytes, damage: Damage) -> bytes:
        at = min(int(damage.where * len(data)), max(len(data) - 1, 0))
        here = data[at : at + 1]
        match damage.harm:
            case Harm.FLIP if data:
                return data[:at] + bytes([here[0] ^ 1 << damage.much % 8]) + data[at + 1 :]
            case Harm.CUT:
                return data[:at]
            case Harm.LOSE:
                return b""
            case Harm.REPEAT:
                return data + data
            case Harm.REPLAY:
                return self._before + data
            case Harm.DELAY:
                self._late += data
                return b""
            case Harm.INSERT:
                return data[:at] + damage.noise + data[at:]
            case Harm.ENLARGE:
                return data[:at] + here * OVERSIZED + data[at:]
            case Harm.FILL:
                end = at + 1 + damage.much % 4
                return data[:at] + b"\xff" * len(data[at:end]) + data[end:]
        return data


@contextmanager
def same_chance() -> Iterator[None]:
    """While it lasts, what the operating system gives at random (nonces, masks) is the same each
    time: two conversations can then be compared byte by byte."""
    given = Random(1).randbytes  # noqa: S311
    with patch("os.urandom", given), patch("random._urandom", given):
        yield
