"""What any dialect cuts its frames from: a buffer with a limit."""

from attrs import define, field

from chargecloud.domain.errors import LimitExceeded


@define(eq=False)
class ReceiveBuffer:
    """Bytes that came and are not used yet.

    Frames are taken from an offset; what lies before it is dropped once, when more bytes
    come, and not for each frame.

    @ivar limit: how many bytes may wait for the rest of their frame.
    """

    limit: int
    _data: bytearray = field(factory=bytearray, init=False)
    _offset: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._data) - self._offset

    def __getitem__(self, index: int) -> int:
        return self._data[self._offset + index]

    def __bool__(self) -> bool:
        return self._offset < len(self._data)

    def append(self, data: bytes) -> None:
        """Add bytes as they came, in a piece of any size."""
        if self._offset:
            del self._data[: self._offset]
            self._offset = 0
        self._data += data

    def take(self, size: int) -> bytes | None:
        """The next bytes, which are used now; C{None}, and nothing used, if fewer wait."""
        end = self._offset + size
        if end > len(self._data):
            return None
        taken = bytes(self._data[self._offset : end])
        self._offset = end
        return taken

    def check_limit(self) -> None:
        """
        To be called when every whole frame has been taken: what is left then depends on
        the bytes alone, and not on the pieces that they came in.

        @raise LimitExceeded: if more than C{limit} bytes wait.
        """
        if len(self) > self.limit:
            raise LimitExceeded(f"{len(self)} bytes wait, and only {self.limit} may")
