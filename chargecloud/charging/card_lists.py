"""The cards that may charge where there is no connection: each charger that has room for a list
has its owner's, brought up to date by differences."""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, evolve, field, frozen
from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.domain.charger import Admission, SystemState
from chargecloud.domain.commands import Answer, UpdateCards
from chargecloud.domain.errors import Refusal
from chargecloud.gateway.routing import Routing
from chargecloud.registry.cards import CardStatus
from chargecloud.storage.schema import card_lists, cards, chargers
from chargecloud.storage.store import Store

#: bytes of uids in one command: what a frame of 256 bytes has room for
MOST_BYTES = 200
#: seconds of changes that are brought together: an office that hands out cards changes one
#: after the other, and each goes to all chargers
GATHERED_S = 20.0


@frozen
class Held:
    """
    A charger's list.

    @ivar version: zero for an empty one.
    """

    version: int
    uids: frozenset[str]


@frozen
class Standing:
    """
    How a charger's list stands.

    @ivar held: what we know it to have; empty if it has another version than we think.
    @ivar wanted: what it should have.
    @ivar slots: how many it has room for.
    """

    held: Held
    wanted: frozenset[str]
    slots: int

    def next_step(self) -> tuple[UpdateCards, Held] | None:
        """What is to be sent next, and what the charger has then; C{None} if nothing is."""
        remove = _some(sorted(self.held.uids - self.wanted), MOST_BYTES)
        # a full list takes nothing new before something old has gone
        room = self.slots - len(self.held.uids) + len(remove)
        missing = sorted(self.wanted - self.held.uids)[: max(0, room)]
        add = _some(missing, MOST_BYTES - _bytes(remove))
        if not add and not remove:
            return None
        after = Held(self.held.version + 1, self.held.uids - set(remove) | set(add))
        return UpdateCards(self.held.version, after.version, tuple(add), tuple(remove)), after


def _bytes(uids: Iterable[str]) -> int:
    return sum(len(uid) + 1 for uid in uids)


def _some(uids: Sequence[str], most_bytes: int) -> list[str]:
    chosen: list[str] = []
    for uid in uids:
        if _bytes([*chosen, uid]) > most_bytes:
            break
        chosen.append(uid)
    return chosen


def find_standing(connection: Connection, charger_id: int) -> Standing | None:
    """How a charger's list stands; C{None} if it has no room for one."""
    columns = (chargers.c.tenant_id, chargers.c.status, chargers.c.card_list, chargers.c.card_slots)
    row = connection.execute(select(*columns).where(chargers.c.id == charger_id)).one()
    if not row.card_slots:
        return None
    active = (
        select(cards.c.uid)
        .where(
            cards.c.tenant_id == row.tenant_id,
            cards.c.status == CardStatus.ACTIVE.value,
            cards.c.customer_id.is_not(None),
        )
        # the newest, where there is no room for all
        .order_by(cards.c.id.desc())
        .limit(row.card_slots)
    )
    # a charger out of service does not begin a charge without us either
    serves = row.status == SystemState.IN_SERVICE.value
    wanted = frozenset(connection.execute(active).scalars() if serves else ())
    kept = connection.execute(
        select(card_lists).where(card_lists.c.charger_id == charger_id)
    ).one_or_none()
    held = Held(0, frozenset())
    if kept is not None and kept.version == row.card_list:
        held = Held(kept.version, frozenset(kept.uids))
    return Standing(held, wanted, row.card_slots)


def keep_list(connection: Connection, charger_id: int, held: Held) -> None:
    """A charger has this list now."""
    connection.execute(delete(card_lists).where(card_lists.c.charger_id == charger_id))
    row = {"charger_id": charger_id, "version": held.version, "uids": sorted(held.uids)}
    connection.execute(insert(card_lists).values(row))
    # what it told at its login is not so any more: it is asked again at the next, as a charger
    # whose memory was wiped tells what it told before it had the list
    changed = {"card_list": held.version, "login_digest": None}
    connection.execute(update(chargers).where(chargers.c.id == charger_id).values(changed))


@define(eq=False)
class CardLists:
    """Brings lists up to date: when a charger comes, is taken out of service or back into it, and
    when cards change."""

    store: Store
    routing: Routing
    clock: IReactorTime
    #: tenants whose cards have just changed, and whether more did meanwhile
    _resting: dict[int, bool] = field(factory=dict, init=False)
    #: chargers whose list is on its way, and whether it has changed meanwhile
    _busy: dict[int, bool] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def arrived(self, admission: Admission) -> None:
        """A charger's session is open."""
        if admission.has_card_list:
            self._soon([admission.charger_id])

    def service_changed(self, charger_id: int) -> None:
        """A charger is in service or out of it from now on."""
        self._soon([charger_id])

    def changed(self, tenant_id: int) -> None:
        """A card of a tenant has changed: who is connected is to hear of it.  The first change
        is brought at once; those that follow it soon are brought together."""
        if tenant_id in self._resting:
            self._resting[tenant_id] = True
            return
        self._resting[tenant_id] = False
        self.clock.callLater(GATHERED_S, self._rested, tenant_id)
        self._bring(tenant_id)

    def _rested(self, tenant_id: int) -> None:
        if self._resting.pop(tenant_id):
            self.changed(tenant_id)

    def _bring(self, tenant_id: int) -> None:
        found = self.store.read(lambda connection: _with_lists(connection, tenant_id))
        found.addCallback(self._soon)
        found.addErrback(lambda why: self._log.failure("lists of cards were not looked at", why))

    def _soon(self, charger_ids: Iterable[int]) -> None:
        for charger_id in charger_ids:
            if self.routing.presence.find(charger_id) is None:
                continue
            if charger_id in self._busy:
                self._busy[charger_id] = True
                continue
            self._busy[charger_id] = False
            done = Deferred.fromCoroutine(self._brought(charger_id))
            done.addErrback(self._not_brought, charger_id)
            done.addBoth(self._over, charger_id)

    def _over(self, _result: object, charger_id: int) -> None:
        if self._busy.pop(charger_id):
            self._soon([charger_id])

    async def _brought(self, charger_id: int) -> None:
        standing: Standing | None = await self.store.read(
            lambda connection: find_standing(connection, charger_id)
        )
        while standing is not None and (step := standing.next_step()) is not None:
            command, after = step
            answer: Answer = await self.routing.send(charger_id, command)
            if not answer.accepted and answer.code == "other-version" and standing.held.version:
                # it has something else than we think: from the beginning
                standing = evolve(standing, held=Held(0, frozenset()))
                continue
            if not answer.accepted:
                self._log.warn(
                    "charger {charger_id} takes no list of cards: {code}",
                    charger_id=charger_id,
                    code=answer.code,
                )
                return
            await self.store.writer.transact(_keeping(charger_id, after))
            standing = evolve(standing, held=after)

    def _not_brought(self, failure: Failure, charger_id: int) -> None:
        # it is brought when the charger is there again
        failure.trap(Refusal)
        self._log.debug("charger {charger_id} has an old list of cards", charger_id=charger_id)


def _keeping(charger_id: int, held: Held) -> Any:
    return lambda connection: keep_list(connection, charger_id, held)


def _with_lists(connection: Connection, tenant_id: int) -> Sequence[int]:
    found = select(chargers.c.id).where(
        chargers.c.tenant_id == tenant_id, chargers.c.card_slots > 0
    )
    return connection.execute(found.order_by(chargers.c.id)).scalars().all()
