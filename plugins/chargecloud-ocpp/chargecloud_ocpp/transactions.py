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


@define(eq=False)
class Transaction:
    """
    @ivar id: as the charge point was told, or will be.
    @ivar order_id: C{None} while the platform has made no order of it.
    @ivar id_tag: that it was begun with, as L{plain_tag} writes it.
    @ivar start_mwh: the register as it began, if that is known.
    @ivar started_at: by the charge point's clock.
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
    begun_s: float | None = None
    offline: OfflineStart | None = None
    has_ended: bool = False
    end_told: bool = False
    stopped_for: StopReason | None = None
    is_counted_anew: bool | None = None

    def register_mwh(self, told_mwh: int) -> int:
        """
        The register that a reading tells, whether it counts from the start of the charge or for
        ever: its first reading decides, as one that is well below where it began can only be the
        former.
        """
        start_mwh = self.start_mwh or 0
        if self.is_counted_anew is None:
            self.is_counted_anew = told_mwh < start_mwh - ROUNDED_MWH
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

    def named(self, number: int | None, id_tag: str | None) -> Transaction | None:
        """
        What a message speaks of: by the transaction's number, or else by the card or order if that
        names exactly one that has no end yet.  It is never guessed, and never another charge
        point's.
        """
        found = [each for each in self._known if each.id == number]
        if found:
            return next((each for each in found if not each.has_ended), found[-1])
        tag = plain_tag(id_tag or "")
        order_id = read_order_tag(tag)
        still = [
            each
            for each in self._known
            if not each.has_ended
            and (each.order_id == order_id if order_id is not None else each.id_tag == tag)
        ]
        return still[0] if tag and len(still) == 1 else None

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
