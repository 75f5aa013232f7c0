"""The spool: a file for what may not be lost while the database is away.

A record is there for good once its bytes are on the disk: those that come while others are
being written share the next fsync.  Each has a frame of its own, so that one that was torn or
has rotted is told from the others, and keeps none of them from being read.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from chargecloud.storage.threads import Runner

#: begins a frame; it is in no JSON text, so that behind damage the next frame is found again
MARK = b"\x1eCCS"
_LENGTH_BYTES, _DIGEST_BYTES = 4, 8
_HEAD_BYTES = len(MARK) + _LENGTH_BYTES + _DIGEST_BYTES
#: of one record: a hundred times an ordinary one
MOST_RECORD_BYTES = 65_536
#: of the whole file: some 50,000 ends of charges, an hour of 15,000 chargers.  Beyond it nothing
#: is taken, and chargers keep what they have to tell
MOST_BYTES = 32_000_000


class SpoolFull(Exception):
    """The spool has as much as it may have; or the record alone is too large."""


@frozen
class Found:
    """What is in a spool.

    @ivar records: the whole ones, the oldest first.
    @ivar damaged: all other bytes.
    """

    records: Sequence[bytes]
    damaged: bytes = b""


def frame_of(record: bytes) -> bytes:
    """A record as it is in the file."""
    length = len(record).to_bytes(_LENGTH_BYTES, "big")
    return MARK + length + sha256(length + record).digest()[:_DIGEST_BYTES] + record


def read_frames(data: bytes) -> Found:
    """All records that are whole, whatever has become of what is before and behind them."""
    records, damaged = [], bytearray()
    at = 0
    while at < len(data):
        record = _record_at(data, at)
        if record is not None:
            records.append(record)
            at += _HEAD_BYTES + len(record)
            continue
        following = data.find(MARK, at + 1)
        following = len(data) if following < 0 else following
        damaged += data[at:following]
        at = following
    return Found(records, bytes(damaged))


def _record_at(data: bytes, at: int) -> bytes | None:
    head, begin = len(MARK), at + _HEAD_BYTES
    if data[at : at + head] != MARK:
        return None
    length = int.from_bytes(data[at + head : at + head + _LENGTH_BYTES], "big")
    if length > MOST_RECORD_BYTES or begin + length > len(data):
        return None
    record = data[begin : begin + length]
    return record if frame_of(record) == data[at : begin + length] else None


@define(eq=False)
class Spool:
    """
    @ivar path: the file; what is set aside goes beside it.
    @ivar runner: writes, one thing after the other: its thread is nobody else's.
    @ivar size: bytes in the file, and of what is being written.
    """

    path: Path
    runner: Runner
    most_bytes: int = MOST_BYTES
    size: int = field(default=0, init=False)
    _file: int = field(default=-1, init=False)
    _waiting: "list[tuple[bytes, Deferred[None]]]" = field(factory=list, init=False)
    _is_busy: bool = field(default=False, init=False)

    def open(self, suffix: str) -> Found:
        """
        Read what is there, and be ready for more; blocks.  Damage is set aside, so that it is
        found once.

        @param suffix: of the file that damage goes to.
        """
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        # whoever copied it about: what people charge, and with which cards, is in it
        os.fchmod(self._file, 0o600)
        found = read_frames(self.path.read_bytes())
        if found.damaged:
            self._write_aside(f"damaged-{suffix}", found.damaged)
            self._replace(b"".join(map(frame_of, found.records)))
        _sync_folder(self.path.parent)
        self.size = os.fstat(self._file).st_size
        return found

    def append(self, record: bytes) -> "Deferred[None]":
        """
        Keep a record; fires when it is on the disk, in the order of the calls.

        Fails with L{SpoolFull}, or with L{OSError} if the disk does not take it; it may be found
        all the same when the spool is opened again.
        """
        frame = frame_of(record)
        if len(record) > MOST_RECORD_BYTES or self.size + len(frame) > self.most_bytes:
            return fail(SpoolFull(f"the spool has {self.size} bytes of {self.most_bytes}"))
        self.size += len(frame)
        done: Deferred[None] = Deferred()
        self._waiting.append((frame, done))
        self._write_next()
        return done

    def clear(self) -> "Deferred[None]":
        """Empty the file; for one who knows that nothing in it, and nothing that is being
        written, is needed any more."""
        return self._do(lambda: self._truncate(0)).addCallback(self._cleared).addBoth(self._go_on)

    def set_aside(self, kind: str, data: bytes) -> "Deferred[None]":
        """Keep bytes for a person, in a file of their own."""
        return self.runner.run(lambda: self._write_aside(kind, data))

    def close(self) -> None:
        """Close the file, if it is open; what it has is found when it is opened again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ------------------------------------------------------------------------ in the reactor

    def _write_next(self) -> None:
        if self._is_busy or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        frames = b"".join(frame for frame, _done in batch)
        self._do(lambda: self._write(frames)).addBoth(self._written, batch)

    def _do(self, work: Any) -> "Deferred[Any]":
        self._is_busy = True
        return self.runner.run(work).addBoth(self._done)

    def _done(self, result: Any) -> Any:
        self._is_busy = False
        return result

    def _written(self, result: Any, batch: "list[tuple[bytes, Deferred[None]]]") -> None:
        if isinstance(result, Failure):
            self.size -= sum(len(frame) for frame, _done in batch)
        # start on what came meanwhile before anybody hears, as they may bring more
        self._write_next()
        for _frame, done in batch:
            done.errback(result) if isinstance(result, Failure) else done.callback(None)

    def _cleared(self, _result: object) -> None:
        # what came meanwhile is written behind it
        self.size = sum(len(frame) for frame, _done in self._waiting)

    def _go_on(self, result: Any) -> Any:
        self._write_next()
        return result

    # ------------------------------------------------------------------------- in its thread

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._file).st_size
        try:
            _write_all(self._file, data)
        except OSError:
            # what is half there would only be damage; if even this fails, it is just that
            with suppress(OSError):
                self._truncate(before)
            raise

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._file, size)
        os.fsync(self._file)

    def _write_aside(self, kind: str, data: bytes) -> None:
        path = self.path.with_name(f"{self.path.name}.{kind}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write_all(file, data)
        finally:
            os.close(file)
        _sync_folder(path.parent)

    def _replace(self, data: bytes) -> None:
        """All or nothing: a file that is half copied would have lost the other half."""
        path = self.path.with_name(f"{self.path.name}.new")
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        _write_all(file, data)
        path.rename(self.path)
        os.close(self._file)
        self._file = file


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    """A file that is new is there after a power cut only if its folder says so."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
