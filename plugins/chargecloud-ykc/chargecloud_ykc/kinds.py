"""How values stand in a body (protocol V1.6, 3.2): BCD as it is printed, whole numbers with the low
byte first, times as CP56Time2a in the time of Beijing."""

import re
from datetime import UTC, datetime, timedelta, timezone
from operator import index

from chargecloud.dialects.layouts import Kind, raw, whole
from chargecloud.domain.errors import BadFrame

#: piles have no other time zone
BEIJING = timezone(timedelta(hours=8))
U40 = whole(5)
CARD = raw(8)
_CP56_SIZE = 7


_DIGITS = re.compile("[0-9A-Fa-f]*")


def bcd(size: int) -> Kind:
    """Digits, two a byte.  Piles put letters into some: they stand as they are."""

    def write(digits: str) -> bytes:
        if not _DIGITS.fullmatch(digits) or len(digits) > 2 * size:
            raise ValueError(f"{digits!r} is not up to {2 * size} digits")
        return bytes.fromhex(digits.rjust(2 * size, "0"))

    return Kind(size, lambda data: data.hex().upper(), write)


def _read_gun(data: bytes) -> int:
    digits = data.hex()
    if not digits.isdecimal() or digits == "00":
        raise BadFrame(f"there is no gun {digits}")
    return int(digits)


def _write_gun(gun: int) -> bytes:
    if not 1 <= index(gun) <= MOST_GUNS:
        raise ValueError(f"there is no gun {gun}")
    return bytes.fromhex(f"{gun:02}")


#: what two digits can say
MOST_GUNS = 99
#: a gun's number, from 1, in BCD
GUN = Kind(1, _read_gun, _write_gun)


def _read_time(data: bytes) -> datetime | None:
    seconds, milliseconds = divmod(int.from_bytes(data[:2], "little"), 1000)
    try:
        return datetime(
            2000 + (data[6] & 0x7F),
            data[5] & 0x0F,
            data[4] & 0x1F,
            data[3] & 0x1F,
            data[2] & 0x3F,
            seconds,
            milliseconds * 1000,
            BEIJING,
        ).astimezone(UTC)
    except ValueError:
        # a clock that was never set: zeros
        return None


def _write_time(at: datetime) -> bytes:
    local = at.astimezone(BEIJING)
    if not 2000 <= local.year < 2128:
        raise ValueError(f"the year {local.year} cannot be said")
    milliseconds = local.second * 1000 + local.microsecond // 1000
    return milliseconds.to_bytes(2, "little") + bytes(
        (
            local.minute,
            local.hour,
            local.isoweekday() << 5 | local.day,
            local.month,
            local.year - 2000,
        )
    )


#: an instant; C{None} is read where there is none
CP56 = Kind(_CP56_SIZE, _read_time, _write_time)
