"""Pile numbers: 14 digits, as they are printed."""

import re
from collections.abc import Mapping

from chargecloud.domain.errors import Invalid
from chargecloud_ykc.frames import PLAIN, Frame
from chargecloud_ykc.messages import DOWN, UP, Message

#: nor could its own trade numbers be told from ours
_NEVER_GIVEN = 13 * "0"
_PILE = re.compile(r"[0-9A-F]{14}")


def read_identity(identity: str) -> str:
    """
    A pile's number.

    @raise Invalid: if it is none, or what a pile says that was never given one.
    """
    text = identity.strip().upper()
    if not _PILE.fullmatch(text):
        raise Invalid("a pile's number has 14 digits")
    if text.startswith(_NEVER_GIVEN):
        raise Invalid(f"a pile whose number begins with {_NEVER_GIVEN} was never given one")
    return text


def pile_of(frame: Frame) -> str | None:
    """Whose a frame is; C{None} if it does not say, or nobody has that number."""
    place = _PLACES.get(frame.kind)
    if place is None or frame.encryption != PLAIN:
        return None
    number = frame.body[place].hex()
    try:
        return read_identity(number)
    except Invalid:
        return None


def _place(message: Message) -> slice | None:
    """Where a message says whose it is."""
    at = 0
    for field in message.layout.fields:
        if field.kind.size is None:
            break
        if field.name == "pile":
            return slice(at, at + field.kind.size)
        at += field.kind.size
    return None


_FOUND = {kind: _place(message) for rows in (UP, DOWN) for kind, message in rows.items()}
_PLACES: Mapping[int, slice] = {kind: place for kind, place in _FOUND.items() if place is not None}
