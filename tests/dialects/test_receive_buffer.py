import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.framing import ReceiveBuffer
from chargecloud.domain.errors import LimitExceeded


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 12)))
def test_bytes_leave_as_they_came(pieces: list[bytes], sizes: list[int]) -> None:
    """Whatever the pieces and the sizes taken, the bytes and their order stay the same."""
    buffer = ReceiveBuffer(limit=1000)
    taken = b""
    came = b""
    for piece, size in zip(pieces, sizes, strict=False):
        buffer.append(piece)
        came += piece
        taken += buffer.take(size) or b""
    rest = buffer.take(len(buffer))
    assert rest is not None
    assert taken + rest == came


def test_too_few_bytes_are_left_alone() -> None:
    """Taking more than there is takes nothing."""
    buffer = ReceiveBuffer(limit=8)
    buffer.append(b"abc")
    assert buffer.take(4) is None
    assert buffer.take(1) == b"a"
    assert (len(buffer), buffer[0], buffer[1]) == (2, ord("b"), ord("c"))


def test_limit_counts_what_waits_and_not_what_came() -> None:
    """Any amount may pass in one piece; only what is left over is limited."""
    buffer = ReceiveBuffer(limit=4)
    buffer.append(bytes(100))
    buffer.take(96)
    buffer.check_limit()
    buffer.append(b"x")
    with pytest.raises(LimitExceeded):
        buffer.check_limit()
