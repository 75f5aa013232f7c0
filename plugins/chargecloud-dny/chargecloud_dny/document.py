"""The document of the dialect, written from its tables: C{python -m chargecloud_dny.document}."""

import sys
from collections.abc import Iterator

from chargecloud.domain.events import StopReason
from chargecloud_dny.codes import ALARMS, PORT_STATES, STOP_REASONS
from chargecloud_dny.messages import DOWN, UP, Message

_OPENING = """\
DNY
===

The protocol of the AP3000 family: sockets, boxes and hosts for two-wheelers. This page is made
from the tables of ``chargecloud_dny/messages.py`` and ``codes.py``, which are what is spoken.

Units are in the names: 0.1 V (``dv``), 0.1 W (``dw``), mA, 0.01 kWh (``10wh``), 0.01 yuan
(``fen``), seconds; everything is little-endian. Fields in brackets were added over the years:
a device may end before any of them. Ports count from 0 on the wire and from 1 everywhere else.

* A physical id is registered as it is printed: ``04CEAA40``, or class and number,
  ``04-13544000``.  Devices whose memory has failed call themselves 10011001, 12000000 or
  13000001: they are not let in.
* A device is answered once it is known; what is not registered hears nothing.
* A settlement is acknowledged when it is committed.  It is the same one by device, port, order
  and start mode, whatever its message's number.
* Between two commands to a connection is half a second; what is not answered is sent again
  after 15 s, a start after 6 s, as often as the table says.
"""


def lines() -> Iterator[str]:
    """The document."""
    yield _OPENING
    yield "From devices\n------------\n"
    for message in UP.values():
        yield from _entry(message, f"answered: {message.reply.value}")
    yield "To devices\n----------\n"
    yield "``POST /chargers/{id}/commands`` takes each by its name, with its fields as ``args``.\n"
    for message in DOWN.values():
        yield from _entry(message, f"sent {message.tries} times at the most")
    yield "Port states\n-----------\n"
    yield from _codes({code: state.value for code, state in sorted(PORT_STATES.items())})
    yield "Stop reasons\n------------\n"
    yield from _codes({code: reason.value for code, reason in sorted(STOP_REASONS.items())})
    yield f"Any other is ``{StopReason.UNKNOWN.value}``.\n"
    yield "Alarms\n------\n"
    yield from _codes({code: hazard.value for code, hazard in sorted(ALARMS.items())})


def _entry(message: Message, how: str) -> Iterator[str]:
    yield f"``{message.command:#04x}`` {message.name}"
    yield f"   {message.layout}; {how}"
    if message.answer is not None:
        yield f"\n   answer: {message.answer}"
    yield ""


def _codes(meanings: dict[int, str]) -> Iterator[str]:
    for code, meaning in meanings.items():
        yield f"* ``{code:#04x}``: {meaning}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()))
