"""The spool: what was taken is found again, whatever becomes of the bytes around it."""

import errno
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.storage.spool import (
    MOST_RECORD_BYTES,
    Found,
    Spool,
    SpoolFull,
    frame_of,
    read_frames,
)
from tests.harness import Gathering, InStep, failure_of, result_of

#: JSON text has no control characters
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=60)
RECORDS = st.lists(TEXT.map(str.encode))


def spool_in(folder: Path, most_bytes: int = 10_000) -> Spool:
    """A spool that is open, everything in step."""
    spool = Spool(folder / "spool", InStep(), most_bytes)
    spool.open("now")
    return spool


def found_in(folder: Path, suffix: str = "later") -> Found:
    """What is found there after a restart."""
    spool = Spool(folder / "spool", InStep())
    found = spool.open(suffix)
    spool.close()
    return found


@pytest.fixture
def small_files() -> Iterator[None]:
    """The kernel lets no file become larger than 200 bytes, as on a disk that runs full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --------------------------------------------------------------------------------- frames


@given(RECORDS)
def test_frames(records: list[bytes]) -> None:
    """Whole records are found, in order."""
    assert read_frames(b"".join(map(frame_of, records))) == Found(records)


@given(RECORDS, st.data())
def test_a_torn_tail(records: list[bytes], data: st.DataObject) -> None:
    """A write that was torn anywhere takes only its own record."""
    torn = frame_of(b"the last")
    torn = torn[: data.draw(st.integers(0, len(torn) - 1))]
    assert read_frames(b"".join(map(frame_of, records)) + torn) == Found(records, torn)


@given(RECORDS.filter(bool), st.data())
def test_a_flipped_bit(records: list[bytes], data: st.DataObject) -> None:
    """A bit that has rotted takes only its own record, wherever it is."""
    frames = [frame_of(record) for record in records]
    hit = data.draw(st.integers(0, len(frames) - 1))
    rotten = bytearray(frames[hit])
    rotten[data.draw(st.integers(0, len(rotten) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    frames[hit] = bytes(rotten)
    others = [*records[:hit], *records[hit + 1 :]]
    assert read_frames(b"".join(frames)) == Found(others, bytes(rotten))


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """Nothing is lost of what cannot be understood."""
    found = read_frames(data)
    size = sum(len(frame_of(record)) for record in found.records)
    assert size + len(found.damaged) == len(data)


# ----------------------------------------------------------------------------------- file


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """And nobody else on the machine may read it."""
    spool = spool_in(tmp_path)
    for record in (b"1", b"2"):
        result_of(spool.append(record))
    assert spool.size == len(frame_of(b"1")) * 2 == spool.path.stat().st_size
    spool.close()
    assert found_in(tmp_path) == Found([b"1", b"2"])
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600


def test_what_comes_together_is_written_together(tmp_path: Path) -> None:
    """A thousand records that come during a write are the next one."""
    thread = Gathering()
    spool = Spool(tmp_path / "spool", thread, 10**6)
    spool.open("now")
    kept = [spool.append(str(number).encode()) for number in range(1_001)]
    thread.do_next()
    assert (kept[0].called, kept[1].called) == (True, False)
    thread.do_next()
    assert all(each.called for each in kept)
    assert thread.done == 2
    spool.close()
    assert found_in(tmp_path).records == [str(number).encode() for number in range(1_001)]


def test_it_is_emptied_and_goes_on(tmp_path: Path) -> None:
    """What comes while it is emptied stays."""
    thread = Gathering()
    spool = Spool(tmp_path / "spool", thread)
    spool.open("now")
    spool.append(b"old")
    thread.do_all()
    cleared, kept = spool.clear(), spool.append(b"new")
    thread.do_all()
    assert cleared.called
    assert kept.called
    assert spool.size == len(frame_of(b"new"))
    spool.close()
    assert found_in(tmp_path) == Found([b"new"])


def test_it_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """Neither in all nor of one record; when it was emptied it does again."""
    spool = spool_in(tmp_path, most_bytes=2 * len(frame_of(b"1")))
    result_of(spool.append(b"1"))
    result_of(spool.append(b"2"))
    failure_of(spool.append(b"3"), SpoolFull)
    result_of(spool.clear())
    result_of(spool.append(b"3"))
    spool.close()
    roomy = spool_in(tmp_path, most_bytes=10**6)
    failure_of(roomy.append(bytes(MOST_RECORD_BYTES + 1)), SpoolFull)
    result_of(roomy.append(bytes(MOST_RECORD_BYTES)))
    roomy.close()
    assert found_in(tmp_path).records == [b"3", bytes(MOST_RECORD_BYTES)]


@pytest.mark.usefixtures("small_files")
def test_what_a_full_disk_does_not_take_leaves_no_trace(tmp_path: Path) -> None:
    """It fails whole, and what fits is taken behind it."""
    spool = spool_in(tmp_path)
    result_of(spool.append(b"a" * 100))
    failed = failure_of(spool.append(b"b" * 100), OSError)
    assert failed.errno == errno.EFBIG
    result_of(spool.append(b"c" * 20))
    assert spool.size == spool.path.stat().st_size
    spool.close()
    assert found_in(tmp_path) == Found([b"a" * 100, b"c" * 20])


def test_damage_is_set_aside_once(tmp_path: Path) -> None:
    """The rest is there, and more can be kept; the next start finds no damage."""
    spool = spool_in(tmp_path)
    result_of(spool.append(b"1"))
    spool.close()
    with spool.path.open("ab") as file:
        file.write(frame_of(b"torn")[:-1])
    again = Spool(spool.path, InStep())
    assert again.open("noon") == Found([b"1"], frame_of(b"torn")[:-1])
    result_of(again.append(b"2"))
    again.close()
    assert found_in(tmp_path) == Found([b"1", b"2"])
    aside = tmp_path / "spool.damaged-noon"
    assert aside.read_bytes() == frame_of(b"torn")[:-1]
    assert {each.name for each in tmp_path.iterdir()} == {"spool", aside.name}
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
