"""Physical ids: the top byte is the class of the device, the rest its number.

On the wire they are little-endian, and so they stand in a box's QR code; here they are
written as numbers are, in eight capital hexadecimal digits.
"""

import re

from chargecloud.domain.errors import Invalid

CLASSES = {
    0x03: "single socket",
    0x04: "two-port box",
    0x05: "ten-port box",
    0x06: "sixteen-port box",
    0x07: "twelve-port box",
    0x09: "host",
    0x0A: "leakage-protection host",
}
HOSTS = frozenset({0x09, 0x0A})
#: numbers that a device falls back to whose memory has failed: any number of them may be
#: alive at once, so none of them is anybody
LOST_NUMBERS = frozenset({10_011_001, 12_000_000, 13_000_001})


def identity_of(device: int) -> str:
    """The identity of a physical id."""
    return f"{device:08X}"


def is_lost(device: int) -> bool:
    """Whether a device has lost its id."""
    return device & 0xFFFFFF in LOST_NUMBERS


def read_identity(identity: str) -> str:
    """
    An identity as it is printed (C{04CEAA40}, or class and decimal number, C{04-13544000}).

    @raise Invalid: if no device can have it, or any device may whose memory has failed.
    """
    text = identity.strip().upper()
    printed = re.fullmatch(r"([0-9A-F]{2})-([0-9]{1,8})", text)
    if printed is not None:
        number = int(printed[2])
        if number > 0xFFFFFF:
            raise Invalid(f"a device's number is at most {0xFFFFFF}")
        device = int(printed[1], 16) << 24 | number
    elif re.fullmatch(r"[0-9A-F]{8}", text):
        device = int(text, 16)
    else:
        raise Invalid("a physical id is 8 hexadecimal digits, or class and number as 04-13544000")
    if device >> 24 not in CLASSES:
        raise Invalid(f"there is no device of class {device >> 24:02X}")
    if is_lost(device):
        raise Invalid(
            f"{device & 0xFFFFFF} is what devices call themselves whose memory has failed:"
            " set its id anew first"
        )
    return identity_of(device)
