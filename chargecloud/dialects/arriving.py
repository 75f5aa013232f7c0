"""Frames of a vendor's stream as they become whole.

A frame that has begun comes to its end in time, or it was none: what looked like its length would
else swallow what comes behind it for as long as the charger speaks.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from attrs import define, field

from chargecloud.interfaces import Seconds

#: from the first bytes of a frame to its last
WHOLE_WITHIN_S = 10.0

F = TypeVar("F", covariant=True)


class IsStream(Protocol[F]):
    """Bytes as they come, and the frames in them."""

    @property
    def is_waiting(self) -> bool:
        """Whether something has begun that is not whole yet."""

    def receive(self, data: bytes) -> Iterator[tuple[F, bytes]]:
        """Take bytes; what is whole, with its own bytes."""

    def give_up(self) -> None:
        """What has begun will not be whole: look behind its first byte."""


@define(eq=False)
class Arriving(Generic[F]):
    """
    @ivar seconds: for the deadline.
    """

    stream: IsStream[F]
    seconds: Seconds
    _begun_s: float | None = field(default=None, init=False)

    def receive(self, data: bytes) -> Iterator[tuple[F, bytes]]:
        """Take bytes, perhaps none; what is whole, with its own bytes."""
        now_s = self.seconds()
        if self._begun_s is not None and now_s >= self._begun_s + WHOLE_WITHIN_S:
            self.stream.give_up()
            self._begun_s = None
        for found in self.stream.receive(data):
            self._begun_s = None
            yield found
        if not self.stream.is_waiting:
            self._begun_s = None
        elif self._begun_s is None:
            self._begun_s = now_s

    @property
    def due_s(self) -> float | None:
        """When L{receive} is to be called, whatever has come by then."""
        return None if self._begun_s is None else self._begun_s + WHOLE_WITHIN_S
