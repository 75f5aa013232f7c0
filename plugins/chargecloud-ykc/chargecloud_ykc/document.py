"""The document of the dialect, written from its tables: C{python -m chargecloud_ykc.document}."""

import sys
from collections.abc import Iterator, Mapping

from chargecloud_ykc.codes import FAULTS, HAZARDS, REFUSALS, START_FAILURES, STOP_REASONS
from chargecloud_ykc.messages import DOWN, UP, Message

_OPENING = """\
YKC
===

YunKuaiChong (云快充), V1.5 and V1.6: EV piles.  This page is made from the tables of
``chargecloud_ykc/messages.py`` and ``codes.py``, which are what is spoken.

Units are in the names: 0.1 V (``dv``), 0.1 A (``da``), 0.0001 kWh (``e4``, and yuan for money),
0.00001 yuan for a kWh (``e5``), 0.01 yuan (``fen``).  Whole numbers have their low byte first,
digits are BCD, times are CP56Time2a in Beijing's time.

* A pile is registered by its 14 digits.  It proves nothing; one that is not registered is told
  that its login has failed.
* The check is taken in both orders of its bytes, and answered in the pile's.  The sequence is two
  bytes that a reply repeats; a pile's replies are known by their type, gun and trade number as
  well.
* A trade number is the order's id in 32 decimal digits.  A pile's own (an offline charge) begins
  with the pile's number.
* A start that fails because nothing is plugged in is not final for 60 s: the order waits, and
  fails with ``not-plugged`` after ``confirm_deadline_s``.
* That a charge has begun is told by a reading of a gun that charges for it; the pile's "yes" to a
  start alone is taken back after ``confirm_deadline_s``.  A "yes" may come up to 60 s after the
  start.
* A stop names no order.  It is sent only while the gun charges for that order; on a new
  connection the gun is asked first.
* A record is acknowledged when it is committed, as received; it is the same one by its trade
  number.
* A gun that is idle twice while its order runs makes the order abnormal (``charge-denied``), and is
  read (``0x12``).  So does a record that has not come 30 s after a gun was idle, or a stop was
  answered (``record-late``).  The order goes on: piles tell a lost record again at 30 s.
* The billing model is that of the site's tariff: four prices for 48 half hours of Beijing's day,
  all in the part for electricity.  A tariff that cannot be said so is rounded up at the pile;
  what is paid is the platform's bill.  It is compared every quarter of an hour, and pushed while
  nothing charges.
* A pile knows no limit but money.  Those of energy and time are the platform's.
* Cards and the VINs of cars are registered as cards.  Accounts with a password are refused.
* Guns that charge one car together (V1.6) start when both may, within 10 s, or not at all.
* Bodies that are encrypted (3DES) are not read: the document does not say by which key.
"""


def lines() -> Iterator[str]:
    """The document."""
    yield _OPENING
    yield "From piles\n----------\n"
    for message in UP.values():
        how = "no answer" if message.answer is None else f"answered by ``{message.answer:#04x}``"
        yield from _entry(message, how)
    yield "To piles\n--------\n"
    yield "``POST /chargers/{id}/commands`` takes each by its name, with its fields as ``args``.\n"
    for message in DOWN.values():
        how = "no answer" if message.answer is None else f"answered by ``{message.answer:#04x}``"
        yield from _entry(message, how)
    yield "Why a gun does not start\n------------------------\n"
    yield from _codes(START_FAILURES)
    yield "Why somebody may not charge\n---------------------------\n"
    for word, code in REFUSALS.items():
        yield f"* ``{word}``: ``{code:#04x}``"
    yield "\nFaults\n------\n"
    for bit, name in enumerate(FAULTS):
        hazard = HAZARDS.get(name)
        yield f"* bit {bit}: {name}" + ("" if hazard is None else f" (hazard ``{hazard.value}``)")
    yield "\nStop reasons\n------------\n"
    yield from _codes({code: reason.value for code, reason in sorted(STOP_REASONS.items())})
    yield "Any other from ``0x4a`` to ``0x8f`` is ``charger``, and the rest ``unknown``.\n"


def _entry(message: Message, how: str) -> Iterator[str]:
    yield f"``{message.kind:#04x}`` {message.name}"
    yield f"   {message.layout}; {how}"
    yield ""


def _codes(meanings: Mapping[int, str]) -> Iterator[str]:
    for code, meaning in meanings.items():
        yield f"* ``{code:#04x}``: {meaning}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()))
