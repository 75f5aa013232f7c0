"""The transactions of one charge point, as its messages name them: by number, card or connector."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import define, field

from chargecloud.domain.events import OfflineStart, StopReason
from chargecloud.domain.order_value import RUNNING, UNDER_WAY
from chargecloud.interfaces import OrderThere
from chargecloud_ocpp.numbers import order_tag, plain_tag, read_order_tag, transaction_id

#: of a charge point: those that run, and some before them
MOST_KNOWN = 128
#: a register this little below the one that a charge began with is that one, rounded otherwise
ROUNDED_MWH = 10_000
#: and one below this part of it is counted from the start of the charge
FAR_PERCENT = 90


@define(eq=False)
class Transaction:
    """
    @ivar id: as the charge point was told, or will be.
    @ivar order_id: C{None} while the platform has made no order of it.
    @ivar id_tag: that it was begun with, as L{plain_tag} writes it.
    @ivar start_mwh: the register as it began, if that is known.
    @ivar started_at: by the charge point's clock, or what the platform took for it; and whether
        that clock was wrong.
    @ivar begun_s: when its start was heard, by the conversation's clock; C{None} if it was not.
    @ivar offline: how it was begun without an order.
    @ivar has_ended: whether the platform has its end.
    @ivar end_told: whether the charge point has told of its end on this connection: what comes of
        it after that is late.
    @ivar stopped_for: why we had it stopped by ourselves.
    @ivar is_counted_anew: whether its readings count from its start; C{None} before the first.
    """

    id: int
    order_id: int | None
    port: int
    id_tag: str
    start_mwh: int | None = None
    started_at: datetime | None = None
    was_clock_off: bool = False
    begun_s: float | None = None
    offline: OfflineStart | None = None
    has_ended: bool = False
    end_told: bool = False
    stopped_for: StopReason | None = None
    is_counted_anew: bool | None = None

    def can_have(self, at: datetime | None, meter_mwh: int | None) -> bool:
        """Whether what was at an instant, at a register, can be of it: nothing before its start
        is."""
        if at is not None and self.started_at is not None and at < self.started_at:
            return False
        if meter_mwh is None or self.start_mwh is None:
            return True
        return meter_mwh >= self.start_mwh - ROUNDED_MWH

    def register_mwh(self, told_mwh: int) -> int:
        """
        The register that a reading tells, whether it counts from the start of the charge or for
        ever: its first reading decides, as one that is far below where it began can only be the
        former, and one that is a little below is a meter that is read in two ways.
        """
        start_mwh = self.start_mwh or 0
        if self.is_counted_anew is None:
            self.is_counted_anew = told_mwh < start_mwh * FAR_PERCENT // 100
        return start_mwh + told_mwh if self.is_counted_anew else max(start_mwh, told_mwh)


@define(eq=False)
class Transactions:
    """All of a charge point that are known here."""

    _known: list[Transaction] = field(factory=list, init=False)
    _at_port: dict[int, Transaction] = field(factory=dict, init=False)

    def know(self, there: Iterable[OrderThere]) -> None:
        """Take up what the platform knows of."""
        for each in there:
            transaction = self.of_order(each.order_id, each.port)
            transaction.id_tag = plain_tag(each.card_uid or transaction.id_tag)
            transaction.start_mwh = each.start_meter_mwh
            transaction.started_at = each.started_at
            transaction.has_ended = each.state not in RUNNING
            if each.state in UNDER_WAY:
                self._at_port[each.port] = transaction

    def of_order(self, order_id: int, port: int) -> Transaction:
        """The transaction of an order, known from now on."""
        known = self.find_order(order_id)
        if known is not None:
            return known
        return self.add(Transaction(transaction_id(order_id), order_id, port, order_tag(order_id)))

    def add(self, transaction: Transaction) -> Transaction:
        """Know one more; the oldest that have ended are forgotten."""
        self._known.append(transaction)
        if len(self._known) > MOST_KNOWN:
            oldest = next((each for each in self._known if each.has_ended), self._known[0])
            self._known.remove(oldest)
        return transaction

    def find_order(self, order_id: int | None) -> Transaction | None:
        """The transaction of an order, if it is one of this charge point's."""
        found = (each for each in self._known if each.order_id == order_id is not None)
        return next(found, None)

    def find_offline(self, number: int) -> Transaction | None:
        """One that the charge point began by itself, by the number that we made for it."""
        return next(
            (each for each in self._known if each.offline and each.offline.number == number), None
        )

    def numbered(self, number: int | None) -> Transaction | None:
        """That of a number: rather one that has no end yet."""
        found = [each for each in self._known if each.id == number]
        return next((each for each in found if not each.has_ended), found[-1] if found else None)

    def of_tag(
        self, id_tag: str | None, at: datetime | None, meter_mwh: int | None
    ) -> Transaction | None:
        """
        What a card or an order names, at an instant and a register at which it can have ended: one
        that has no end yet, if that is exactly one; or else the newest that has, as its end may be
        told again.  It is never guessed, and never another charge point's.
        """
        tag = plain_tag(id_tag or "")
        order_id = read_order_tag(tag)
        named = [
            each
            for each in self._known
            if (each.order_id == order_id if order_id is not None else each.id_tag == tag)
            and each.can_have(at, meter_mwh)
        ]
        still = [each for each in named if not each.has_ended]
        if not tag or len(still) > 1:
            return None
        return still[0] if still else next(reversed(named), None)

    def ended_count(self, port: int, id_tag: str) -> int:
        """How many that a card began at a connector have ended."""
        tag = plain_tag(id_tag)
        found = [each for each in self._known if (each.port, each.id_tag) == (port, tag)]
        return sum(each.has_ended for each in found)

    def is_of(self, transaction: Transaction, order_id: int) -> None:
        """The platform has made an order of one, which it may have told of before: they are one."""
        other = self.find_order(order_id)
        transaction.order_id = order_id
        if other is not None and other is not transaction:
            self._known.remove(other)
            if self._at_port.get(other.port) is other:
                self._at_port[other.port] = transaction

    def at_port(self, port: int) -> Transaction | None:
        """What charges at a connector, as far as was told."""
        return self._at_port.get(port)

    def take_port(self, transaction: Transaction) -> None:
        """It charges there."""
        self._at_port[transaction.port] = transaction

    def leave_port(self, transaction: Transaction) -> None:
        """It does not charge any more."""
        if self._at_port.get(transaction.port) is transaction:
            del self._at_port[transaction.port]

    def booted(self) -> None:
        """The charge point was started anew: what charges is what it says from now on."""
        self._at_port.clear()

    def running(self, port: int | None = None) -> Iterator[Transaction]:
        """What charges at a connector, or at all of them."""
        for each in self._at_port.values():
            if port in (None, each.port):
                yield each
