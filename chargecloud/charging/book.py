"""The orders that run, and the way in which each is advanced.

The book holds them in memory as they are written down, so that a charger's fact needs no
query; the version guard tells when that is not so any more (another node decided), and
then they are read again.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import define, field
from sqlalchemy import Connection, select
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.charging.curves import Sample, find_curve, pack
from chargecloud.charging.settings import CutOffs
from chargecloud.charging.terms import Terms, find_order, find_terms
from chargecloud.charging.tracking import Track
from chargecloud.charging.turns import Turns
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.decision import Change, Decision, Insert, Stale
from chargecloud.domain.occurrences import Ended, Occurrence, Sampled
from chargecloud.domain.order import decide
from chargecloud.domain.order_rows import order_of
from chargecloud.domain.order_value import RUNNING, UNDER_WAY, Order, OrderState
from chargecloud.gateway.routing import Routing
from chargecloud.money.tariffs import Tariff, Tariffs
from chargecloud.storage.schema import cards, chargers, orders
from chargecloud.storage.store import Store

#: an order that changes under us this often is left to the next occasion
MOST_TRIES = 4

#: of orders that have not come to their end
OPEN_STATES = [state.value for state in (*RUNNING, OrderState.ENDED)]

Occurrences = Callable[[Order], Awaitable[Sequence[Occurrence]]]


class Superseded(Exception):
    """The session that told a fact is no longer the charger's newest, or another node decides
    about the charger's orders by now."""


@define(eq=False)
class OrderBook:
    """
    @ivar cut_offs: how charges are cut off where their site does not say otherwise.
    @ivar counts_anew: dialects whose registers begin at zero with each charge.
    @ivar came_to: how often an order came to a state, since the service started.
    @ivar cards_changed: told of a tenant whose cards have changed.
    @ivar turns: whoever advances an order of a charger waits for the charger's turn.
    """

    store: Store
    tariffs: Tariffs
    routing: Routing
    cut_offs: CutOffs = field(factory=CutOffs)
    counts_anew: Collection[str] = ()
    turns: Turns = field(factory=Turns)
    came_to: Counter[OrderState] = field(factory=Counter, init=False)
    cards_changed: Callable[[int], None] = field(default=lambda _tenant_id: None, init=False)
    _tracks: dict[int, Track] = field(factory=dict, init=False)
    #: by charger, the orders of it that are in memory
    _of_charger: dict[int, set[int]] = field(factory=dict, init=False)
    _on_port: dict[tuple[int, int], int] = field(factory=dict, init=False)
    _tariffs: dict[tuple[int, int], Tariff] = field(factory=dict, init=False)
    _epochs: dict[int, int] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def take_over(self, epochs: Mapping[int, int]) -> Sequence[Order]:
        """
        Take up the orders of some chargers that have not come to their end: this node decides
        about them from now on.

        @param epochs: by charger, the epoch in which it is this node's.
        @return: all of them, also those that have ended and are still to be billed; not those of
            chargers that have left or logged in anew while they were read.
        """

        def read(connection: Connection) -> list[tuple[Order, Terms, Sequence[Sample]]]:
            found = (
                select(orders)
                .where(orders.c.state.in_(OPEN_STATES), orders.c.charger_id.in_(list(epochs)))
                .order_by(orders.c.id)
            )
            unfinished = [order_of(row._asdict()) for row in connection.execute(found)]
            return [
                (order, self.terms(connection, order), find_curve(connection, order.id))
                for order in unfinished
            ]

        self._epochs.update(epochs)
        opened = []
        for order, terms, samples in await self.store.read(read):
            if self._epochs.get(order.charger_id) != epochs[order.charger_id]:
                continue
            if order.id not in self._tracks:
                self.track(order, terms).replay(samples)
            opened.append(order)
        return opened

    def hold(self, charger_id: int, epoch: int) -> None:
        """A charger has logged in here anew, or it is known to be this node's.  Whoever tells it
        later than a newer login changes nothing."""
        self._epochs[charger_id] = max(epoch, self._epochs.get(charger_id, epoch))

    def let_go(self, charger_id: int) -> None:
        """Another node decides about a charger's orders from now on."""
        self._epochs.pop(charger_id, None)
        for order_id in self._of_charger.pop(charger_id, ()):
            track = self._tracks.pop(order_id)
            self._on_port.pop((charger_id, track.order.port), None)

    def epoch_of(self, charger_id: int) -> int | None:
        """The epoch in which a charger is this node's; C{None} if it is not known to be."""
        return self._epochs.get(charger_id)

    async def adopt(self, order_id: int) -> Order:
        """
        Take up an order that is written down, if it runs and is not in memory: the database
        failed after it had committed it, or another node had it.  It is left alone if another
        node has its charger, of which no session may be left here.

        @return: the order, running or not.
        @raise NotFound: if there is none.
        """

        def read(connection: Connection) -> tuple[Order, Terms, Sequence[Sample], int, int | None]:
            order = find_order(connection, None, order_id)
            epoch, node = _epoch_and_node(connection, order.charger_id)
            samples = find_curve(connection, order_id)
            return order, self.terms(connection, order), samples, epoch, node

        order, terms, samples, epoch, node = await self.store.read(read)
        if node not in (None, self.store.node):
            self.routing.hang_up_older(order.charger_id, epoch)
        elif order.state in RUNNING and order_id not in self._tracks:
            # if it has left meanwhile, what is decided by this epoch is refused
            self._epochs.setdefault(order.charger_id, epoch)
            self.track(order, terms).replay(samples)
        return order

    def terms(self, connection: Connection, order: Order) -> Terms:
        """What an order is charged by."""
        return find_terms(connection, order, self.cut_offs, self.counts_anew)

    # --------------------------------------------------------------------------- looking

    def track(self, order: Order, terms: Terms) -> Track:
        """Hold an order in memory."""
        tariff = terms.tariff
        self.know(tariff)
        # a plugin that is gone makes no bill; the order can still end, and is held then
        kind = self.tariffs.kinds.get(tariff.kind)
        zone = ZoneInfo(order.time_zone)

        def boundaries(after: datetime, until: datetime) -> list[datetime]:
            if kind is None:
                return []
            try:
                told = kind.boundaries(tariff.terms, zone, after, until)
                return sorted(instant for instant in told if after < instant <= until)
            except Exception:
                # a tariff may be a plugin: what it breaks is its own bill, which is split
                # less exactly, and never the way of the readings
                self._log.failure("no boundaries of tariff {id}", id=tariff.id)
                return []

        track = self._tracks[order.id] = Track(
            order,
            boundaries,
            terms.rated_w,
            terms.rules,
            terms.register_before_mwh,
            terms.dialect,
        )
        self._of_charger.setdefault(order.charger_id, set()).add(order.id)
        if order.state in RUNNING:
            self._on_port[order.charger_id, order.port] = order.id
        return track

    def opened(self, order: Order, register_before_mwh: int | None) -> None:
        """An order that is in memory is written down now, in this way.

        @param register_before_mwh: its port's, which was not known before.
        """
        track = self._tracks[order.id]
        track.order, track.register_before_mwh = order, register_before_mwh
        self._on_port[order.charger_id, order.port] = order.id

    def know(self, tariff: Tariff) -> None:
        """Keep a tariff at hand for the bills that need it."""
        self._tariffs[tariff.id, tariff.version] = tariff

    def tracked(self, order_id: int) -> Track | None:
        """A running order, if this node has it."""
        return self._tracks.get(order_id)

    def on_port(self, charger_id: int, port: int) -> Track | None:
        """The order that has a port, if this node knows of one."""
        order_id = self._on_port.get((charger_id, port))
        return None if order_id is None else self._tracks.get(order_id)

    def of_charger(self, charger_id: int) -> Iterable[Track]:
        """The orders that have a port of a charger, as far as this node knows, the oldest first."""
        tracks = [self._tracks[each] for each in sorted(self._of_charger.get(charger_id, ()))]
        return [track for track in tracks if self.on_port(charger_id, track.order.port) is track]

    def chargers(self) -> frozenset[int]:
        """The chargers with a port that an order has, as far as this node knows."""
        return frozenset(charger_id for charger_id, _port in self._on_port)

    def running(self) -> Iterable[Track]:
        """All orders in memory."""
        return self._tracks.values()

    def tariff_of(self, order: Order) -> Tariff:
        """The version of the tariff that a tracked order began with."""
        return self._tariffs[order.tariff_id, order.tariff_version]

    async def find(self, order_id: int) -> Order:
        """An order as it is written down, running or not.

        @raise NotFound: if there is none.
        """
        track = self._tracks.get(order_id)
        if track is not None:
            return track.order
        return await self.store.read(lambda connection: find_order(connection, None, order_id))

    # ------------------------------------------------------------------------- advancing

    async def advance(
        self,
        order_id: int,
        occurred: Occurrences,
        epoch: int | None = None,
        also: Decision | None = None,
    ) -> Order:
        """
        Let things occur to an order, and commit what follows; in the charger's turn only.

        @param occurred: what occurs, given the order as it is; asked again if the order
            or a balance has changed meanwhile.
        @param epoch: of the session that told it, where one did.
        @param also: what is to be committed together with it.
        @raise Superseded: if that session is no longer the newest.
        @raise Conflict: if it cannot occur in the order's state.
        """
        for _ in range(MOST_TRIES):
            before = await self.find(order_id)
            held = epoch if epoch is not None else self._epochs.get(before.charger_id)
            after, decision, samples = before, also or Decision(), 0
            for occurrence in await occurred(before):
                step = decide(after, occurrence, held)
                after, decision = step.order, decision + step.decision
                if isinstance(occurrence, Sampled | Ended):
                    samples = self._samples(order_id)
            if samples:
                decision += self._piece(after, samples)
            try:
                if decision.writes or decision.log:
                    await self.store.writer.decide(decision)
            except Stale as stale:
                await self._read_again(before, stale, epoch)
                continue
            self._keep(after, samples)
            self.tell_of_cards(decision)
            if after.state is not before.state:
                self.came_to[after.state] += 1
            for command in decision.commands:
                self.send(after.charger_id, command)
            return after
        raise Superseded(f"order {order_id} changes faster than it can be advanced")

    def tell_of_cards(self, decision: Decision) -> None:
        """Tell of cards that a decision has changed, once it is committed."""
        if any(isinstance(each, Change) and each.table == cards.name for each in decision.writes):
            for tenant_id in {entry.tenant_id for entry in decision.log}:
                self.cards_changed(tenant_id)

    def _samples(self, order_id: int) -> int:
        """How many readings of an order wait to be written down."""
        track = self._tracks.get(order_id)
        return len(track.samples) if track else 0

    def _piece(self, order: Order, samples: int) -> Decision:
        """A piece of the order's curve, to be written down together with it."""
        row = {
            "order_id": order.id,
            "id": self.store.ids.next(),
            "tenant_id": order.tenant_id,
            "samples": pack(self._tracks[order.id].samples[:samples]),
        }
        return Decision((Insert("curves", row),))

    async def _read_again(self, before: Order, stale: Stale, epoch: int | None) -> None:
        def read(connection: Connection) -> tuple[Order, int, int | None]:
            epoch, node = _epoch_and_node(connection, before.charger_id)
            return find_order(connection, None, before.id), epoch, node

        fresh, newest, node = await self.store.read(read)
        if stale.table == orders.name and fresh.version == before.version:
            if epoch is not None:
                # a session that decides nothing any more must not last: it is to log in anew
                self.routing.hang_up_older(before.charger_id, newest)
                raise Superseded("the charger has logged in anew since")
            if node != self.store.node:
                self.let_go(before.charger_id)
                raise Superseded(f"the charger's orders are decided at node {node}")
            self.hold(before.charger_id, newest)
        self._keep(fresh)

    def _keep(self, order: Order, samples: int = 0) -> None:
        track = self._tracks.get(order.id)
        if track is None:
            return
        del track.samples[:samples]
        if track.order.state not in UNDER_WAY and order.state in UNDER_WAY:
            track.begin(order)
        track.order, track.told = order, None
        port = (order.charger_id, order.port)
        if order.state not in RUNNING and self._on_port.get(port) == order.id:
            del self._on_port[port]
        if order.state not in (*RUNNING, OrderState.ENDED):
            self._forget(order)

    def _forget(self, order: Order) -> None:
        del self._tracks[order.id]
        of_charger = self._of_charger[order.charger_id]
        of_charger.discard(order.id)
        if not of_charger:
            del self._of_charger[order.charger_id]

    def send(
        self,
        charger_id: int,
        command: Command,
        told: Callable[[Answer], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Send a command that nobody waits for.

        @param told: takes the answer, if one comes.
        @param lost: is called if none will.
        """
        answered = self.routing.send(charger_id, command)
        if told is not None:
            answered.addCallback(told)
        answered.addErrback(self._not_answered, charger_id, command, lost)

    def _not_answered(
        self, failure: Failure, charger_id: int, command: Command, lost: Callable[[], None] | None
    ) -> None:
        if lost is not None:
            lost()
        self._log.warn(
            "charger {charger_id} did not answer {command}: {reason}",
            charger_id=charger_id,
            command=command,
            reason=failure.getErrorMessage(),
        )


def _epoch_and_node(connection: Connection, charger_id: int) -> tuple[int, int | None]:
    found = select(chargers.c.epoch, chargers.c.node).where(chargers.c.id == charger_id)
    charger = connection.execute(found).one()
    return charger.epoch, charger.node
