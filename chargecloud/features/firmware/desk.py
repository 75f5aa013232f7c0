"""Brings images to chargers: offers them, gives out blocks, and hears how it goes."""

from collections import Counter, OrderedDict
from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, OfferFirmware, Query, Question, WithdrawFirmware
from chargecloud.domain.errors import NotSupported, Refusal
from chargecloud.domain.events import (
    ChargerEvent,
    FirmwareStage,
    FirmwareTold,
    FirmwareWanted,
    Outcome,
    Reply,
)
from chargecloud.features.firmware import rollout, store
from chargecloud.features.firmware.model import (
    UNDER_WAY,
    CampaignState,
    State,
    after_absence,
    before,
    follow,
    is_to_be_offered_again,
)
from chargecloud.features.firmware.rollout import Decided
from chargecloud.features.firmware.store import Campaign, Image
from chargecloud.interfaces import IChargerDesk, Platform

#: bytes of a frame around a block and of the wish for it, and TCP's and IP's around both
BLOCK_OVERHEAD = 34 + 20 + 3 * 40
#: images whose bytes are at hand; others are read when they are asked for
MOST_AT_HAND = 4
#: codes of answers to an offer that tell that this charger never takes it
_REFUSALS = {"bad-signature", "other-hardware", "older", "unknown-command", "no-room"}


@define
class UnderWay:
    """
    A charger's update that is under way.

    @ivar unwritten_bytes: that were sent since they were written down last.
    @ivar offered_at: C{None} if that was before the service started.
    @ivar away_since: C{None} if it is connected.  A restart of the service counts anew: it
        must not give up chargers that could not come to it.
    """

    campaign_id: int
    image: int
    state: State
    offset: int = 0
    unwritten_bytes: int = 0
    offered_at: datetime | None = None
    away_since: datetime | None = None


@frozen
class _Round:
    """What is read for one round of a campaign."""

    campaign: Campaign
    image: Image
    rows: Sequence[Any]


@implementer(IChargerDesk)
@define(eq=False)
class FirmwareDesk:
    """
    What is under way is held in memory; states are written down as they change, and how much
    was sent once a minute.
    """

    platform: Platform
    facts: tuple[type, ...] = (FirmwareWanted, FirmwareTold)
    _under_way: dict[int, UnderWay] | None = field(default=None, init=False)
    _at_hand: "OrderedDict[int, bytes]" = field(factory=OrderedDict, init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _log: Logger = field(factory=Logger, init=False)

    # ------------------------------------------------------------------- a charger speaks

    def arrived(self, admission: Admission) -> None:
        """A charger is there again: what was said may have been lost with its connection."""
        met = Deferred.fromCoroutine(self._meet(admission.charger_id))
        met.addErrback(lambda why: self._log.failure("an update did not go on", why))

    async def _meet(self, charger_id: int) -> None:
        held = (await self._loaded()).get(charger_id)
        if held is None:
            return
        if held.state is not State.OFFERED:
            # nobody acknowledges how far it has come
            asked = self.platform.send(charger_id, Query(Question.FIRMWARE))
            asked.addErrback(self._cannot_tell, charger_id, held)
            asked.addErrback(self._unanswered, charger_id)
        elif charger_id not in self.platform.charging():
            number = held.image
            image = await self.platform.read(lambda found: store.find_image(found, number))
            self._offer(charger_id, held, image)

    def _cannot_tell(
        self, failure: Failure, charger_id: int, held: UnderWay
    ) -> "Deferred[None] | Failure":
        """A dialect has no words for it: then what the charger runs tells, and what was cut off
        begins anew."""
        if not failure.check(NotSupported):
            return failure
        return Deferred.fromCoroutine(self._look(charger_id, held))

    async def _look(self, charger_id: int, held: UnderWay) -> None:
        def read(connection: Connection) -> tuple[Image, str | None]:
            image = store.find_image(connection, held.image)
            return image, store.find_firmware(connection, charger_id)

        image, runs = await self.platform.read(read)
        if runs == image.version:
            await self._come_to(charger_id, held, State.DONE)
        elif held.state is State.FETCHING and charger_id not in self.platform.charging():
            self._offer(charger_id, held, image)

    def take(self, admission: Admission, event: ChargerEvent) -> "Deferred[Reply]":
        """A wish for a block, or how far a charger has come."""
        if isinstance(event, FirmwareWanted):
            return Deferred.fromCoroutine(self._give(admission.charger_id, event))
        assert isinstance(event, FirmwareTold)
        return Deferred.fromCoroutine(self._hear(admission.charger_id, event))

    async def _give(self, charger_id: int, wanted: FirmwareWanted) -> Reply:
        held = (await self._loaded()).get(charger_id)
        if held is None or held.image != wanted.image:
            return Reply(Outcome.REFUSED, "refused")
        data = await self._bytes(wanted.image)
        block = data[wanted.offset : wanted.offset + wanted.size]
        held.offset = max(held.offset, wanted.offset + len(block))
        held.unwritten_bytes += len(block) + BLOCK_OVERHEAD
        if held.state is State.OFFERED:
            await self._write(charger_id, held, State.FETCHING)
        return Reply(Outcome.KEPT, block=block)

    async def _hear(self, charger_id: int, told: FirmwareTold) -> Reply:
        held = (await self._loaded()).get(charger_id)
        if held is not None and held.image == told.image:
            state = follow(held.state, told.stage)
            if state is not held.state:
                await self._come_to(charger_id, held, state)
        elif told.stage is FirmwareStage.RUNNING:
            now = self.platform.calendar.now()
            await self.platform.transact(
                lambda connection: store.catch_up(connection, charger_id, told.image, now)
            )
        return Reply(Outcome.KEPT)

    async def _come_to(
        self, charger_id: int, held: UnderWay, state: State, why: str | None = None
    ) -> None:
        await self._write(charger_id, held, state, why)
        if state not in UNDER_WAY:
            await self._forget(charger_id, held)
            await self._turn.run(self._go_on_with, held.campaign_id)

    async def _write(
        self, charger_id: int, held: UnderWay, state: State, why: str | None = None
    ) -> None:
        """An update moves on.  Memory follows the database: what could not be written down is
        written when the charger says it again."""
        sent, now = held.unwritten_bytes, self.platform.calendar.now()
        row = {"state": state.value, "offset": held.offset, "changed_at": now, "why": why}

        def write(connection: Connection) -> None:
            store.add_bytes(connection, {charger_id: (held.campaign_id, sent, held.offset)})
            store.change_updates(connection, held.campaign_id, {charger_id: row}, before(state))

        await self.platform.transact(write)
        held.state = state
        held.unwritten_bytes -= sent

    async def _forget(self, charger_id: int, held: UnderWay) -> None:
        under_way = await self._loaded()
        if under_way.get(charger_id) is held:
            del under_way[charger_id]

    # --------------------------------------------------------------------------- a minute

    def each_minute(self) -> "Deferred[None]":
        """Go on with every campaign that runs."""
        return self._turn.run(lambda: Deferred.fromCoroutine(self._round()))

    async def _round(self) -> None:
        under_way = await self._loaded()
        await self._write_bytes(dict(under_way))
        rounds: list[_Round] = await self.platform.read(_rounds)
        here: set[int] = await self.platform.read(
            lambda connection: store.chargers_at(connection, self.platform.node)
        )
        self._keep_up(under_way, rounds, here)
        for each in rounds:
            await self._go_on(each)

    def _keep_up(
        self, under_way: dict[int, UnderWay], rounds: Sequence[_Round], here: set[int]
    ) -> None:
        """What other nodes have begun and ended: a charger is that node's where it is."""
        written = {
            row.charger_id: _under_way(each, row)
            for each in rounds
            for row in each.rows
            if State(row.state) in UNDER_WAY and row.charger_id in here
        }
        for charger_id in under_way.keys() - written.keys():
            del under_way[charger_id]
        for charger_id in written.keys() - under_way.keys():
            under_way[charger_id] = written[charger_id]

    async def _go_on(self, each: _Round) -> None:
        now = self.platform.calendar.now()
        under_way, online = await self._loaded(), set(self.platform.online())
        at_it = {
            charger_id: held
            for charger_id, held in under_way.items()
            if held.campaign_id == each.campaign.id
        }
        for charger_id, held in at_it.items():
            held.away_since = None if charger_id in online else held.away_since or now
            state = after_absence(held.state, held.away_since, now)
            if state is not held.state:
                await self._write(charger_id, held, state)
                await self._forget(charger_id, held)
        free = online - self.platform.charging()
        decided = await self._decided(each.campaign.id, free - under_way.keys())
        if decided.state is not CampaignState.RUNNING:
            return
        for charger_id, held in at_it.items():
            if charger_id in free and is_to_be_offered_again(held.state, held.offered_at, now):
                self._offer(charger_id, held, each.image)
        for charger_id in decided.begun:
            under_way[charger_id] = UnderWay(each.campaign.id, each.image.number, State.OFFERED)
            self._offer(charger_id, under_way[charger_id], each.image)

    def _offer(self, charger_id: int, held: UnderWay, image: Image) -> None:
        """What is not answered is offered again later, or when the charger is there again."""
        held.offered_at = self.platform.calendar.now()
        offer = OfferFirmware(image.number, image.manifest, image.signature)
        answered: Deferred[Answer] = self.platform.send(charger_id, offer)
        answered.addCallback(self._answered, charger_id)
        answered.addErrback(self._unanswered, charger_id)

    def _answered(self, answer: Answer, charger_id: int) -> "Deferred[None] | None":
        held = (self._under_way or {}).get(charger_id)
        if answer.accepted or answer.code not in _REFUSALS or held is None:
            return None
        return Deferred.fromCoroutine(self._come_to(charger_id, held, State.REFUSED, answer.code))

    def _unanswered(self, failure: Failure, charger_id: int) -> None:
        failure.trap(Refusal)
        self._log.debug("charger {charger_id} did not answer an offer", charger_id=charger_id)

    # ----------------------------------------------------------------------------- people

    async def halt(self, campaign: Campaign, why: str) -> None:
        """Stop a campaign: nobody else begins, and who has begun is to forget it."""
        await self._turn.run(lambda: Deferred.fromCoroutine(self._halt(campaign.id, why)))

    async def resume(self, campaign: Campaign, most_failures: int) -> None:
        """Go on: who was stopped begins anew, who failed does not.

        @param most_failures: from here on, with those that were.
        @raise Conflict: if there were more of them: it would halt again at once.
        """
        await self.platform.transact(
            lambda connection: rollout.resume(connection, campaign.id, most_failures)
        )

    async def _halt(self, campaign_id: int, why: str) -> None:
        await self._write_bytes(dict(await self._loaded()))
        now = self.platform.calendar.now()
        decided: Decided = await self.platform.transact(
            lambda connection: rollout.halt(connection, campaign_id, why, now)
        )
        await self._withdraw(campaign_id, decided)

    # ----------------------------------------------------------------------------- within

    def _go_on_with(self, campaign_id: int) -> "Deferred[Decided]":
        """Whether a campaign goes on, when nobody else is to begin; in the turn only."""
        return Deferred.fromCoroutine(self._decided(campaign_id, frozenset()))

    async def _decided(self, campaign_id: int, free: Set[int]) -> Decided:
        """What comes of a campaign, who begins with it, and who is to forget it."""
        now = self.platform.calendar.now()
        decided: Decided = await self.platform.transact(
            lambda connection: rollout.go_on(connection, campaign_id, free, now)
        )
        await self._withdraw(campaign_id, decided)
        return decided

    async def _withdraw(self, campaign_id: int, decided: Decided) -> None:
        """Those of other nodes, too, as they are written down."""
        under_way = await self._loaded()
        for charger_id in decided.withdrawn:
            held = under_way.get(charger_id)
            if held is not None and held.campaign_id == campaign_id:
                await self._write_bytes({charger_id: held})
                await self._forget(charger_id, held)
            withdrawn = self.platform.send(charger_id, WithdrawFirmware(decided.image))
            withdrawn.addErrback(self._unanswered, charger_id)
        if decided.why is not None:
            self._log.warn("campaign {id} was halted: {why}", id=campaign_id, why=decided.why)

    async def _loaded(self) -> dict[int, UnderWay]:
        """What is under way, also what was when the service stopped."""
        if self._under_way is None:
            rounds: list[_Round] = await self.platform.read(_rounds)
            if self._under_way is not None:
                # somebody else has read it meanwhile, and may have gone on
                return self._under_way
            self._under_way = {
                row.charger_id: _under_way(each, row)
                for each in rounds
                for row in each.rows
                if State(row.state) in UNDER_WAY
            }
        return self._under_way

    async def _bytes(self, number: int) -> bytes:
        if number not in self._at_hand:
            data = await self.platform.read(lambda found: store.image_bytes(found, number))
            self._at_hand[number] = data
            if len(self._at_hand) > MOST_AT_HAND:
                self._at_hand.popitem(last=False)
        return self._at_hand[number]

    async def _write_bytes(self, under_way: dict[int, UnderWay]) -> None:
        sent = {
            charger_id: (held.campaign_id, held.unwritten_bytes, held.offset)
            for charger_id, held in under_way.items()
            if held.unwritten_bytes
        }
        if not sent:
            return
        await self.platform.transact(lambda connection: store.add_bytes(connection, sent))
        for charger_id, (_campaign_id, count, _offset) in sent.items():
            under_way[charger_id].unwritten_bytes -= count

    def unwritten_bytes(self, campaign_id: int) -> Counter[int]:
        """What a campaign has sent to each charger and is not written down yet."""
        return Counter(
            {
                charger_id: held.unwritten_bytes
                for charger_id, held in (self._under_way or {}).items()
                if held.campaign_id == campaign_id
            }
        )


def _under_way(each: _Round, row: Any) -> UnderWay:
    return UnderWay(each.campaign.id, each.image.number, State(row.state), row.offset)


def _rounds(connection: Connection) -> list[_Round]:
    """All that is to be known of the campaigns that run."""
    return [
        _Round(
            campaign,
            store.find_image(connection, campaign.image),
            store.update_rows(connection, campaign.id),
        )
        for campaign in store.running_campaigns(connection)
    ]
