"""What chargers say, acted on: the gateway calls this."""

from collections.abc import Sequence
from datetime import datetime

from attrs import define, evolve
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from chargecloud.charging.card_lists import CardLists
from chargecloud.charging.cards import CardDesk
from chargecloud.charging.clocks import Clocks
from chargecloud.charging.custody import Custody
from chargecloud.charging.ending import when
from chargecloud.charging.hazards import Hazards
from chargecloud.charging.keeping import Keeping
from chargecloud.charging.known import KnownOrders
from chargecloud.charging.live import LivePorts
from chargecloud.charging.plugin_calls import PluginCalls
from chargecloud.charging.rekeying import Rekeying
from chargecloud.charging.reports import Reports
from chargecloud.charging.schedules import PriceBoard
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.charger import Admission, ChargerTime
from chargecloud.domain.decision import Change, Decision, LogEntry
from chargecloud.domain.events import (
    CardAsked,
    CardPresented,
    ChargeEnded,
    ChargePaused,
    ChargerEvent,
    ChargeStarted,
    ClockTold,
    HazardTold,
    LoggedIn,
    Outcome,
    ParametersTold,
    PortsReported,
    PricesAsked,
    Reply,
)
from chargecloud.domain.order_rows import instant_ms
from chargecloud.domain.readings import one_for_each_port
from chargecloud.interfaces import Credentials, IChargerDesk, IChargerEvents
from chargecloud.registry.chargers import Chargers


@implementer(IChargerEvents)
@define(eq=False)
class Facts:
    """
    @ivar registry: knows which chargers there are.
    @ivar reports: takes what ports measure.
    @ivar keeping: takes the starts and ends of charges.
    @ivar cards: takes cards that are presented.
    @ivar watching: looks at every reading.
    @ivar hazards: takes what chargers find dangerous.
    @ivar rekeying: has chargers make new keys.
    @ivar card_lists: tells them which cards may charge offline.
    @ivar live: what the ports said last.
    @ivar plugin_calls: knows dialects that keep everybody waiting, or fail.
    @ivar price_board: tells them what energy costs.
    @ivar custody: has the orders of the chargers that log in here.
    @ivar clocks: know how far chargers' clocks are off.
    @ivar known: has the orders by which a charger's words are understood.
    @ivar desks: take what is none of the core's business.
    """

    registry: Chargers
    custody: Custody
    reports: Reports
    keeping: Keeping
    cards: CardDesk
    watching: Watching
    hazards: Hazards
    rekeying: Rekeying
    card_lists: CardLists
    live: LivePorts
    plugin_calls: PluginCalls
    price_board: PriceBoard
    clocks: Clocks
    known: KnownOrders
    desks: Sequence[IChargerDesk] = ()

    def credentials(self, dialect: str, identity: str) -> "Deferred[Credentials | None]":
        """What to check a charger's claim with."""
        return Deferred.fromCoroutine(self._credentials(dialect, identity))

    async def _credentials(self, dialect: str, identity: str) -> Credentials | None:
        found = await self.registry.credentials(dialect, identity)
        return found and evolve(found, orders=await self.known.of(dialect, identity))

    def logged_in(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> "Deferred[Admission]":
        """A charger has proved itself."""
        return Deferred.fromCoroutine(self._logged_in(dialect, identity, login, login_digest))

    async def _logged_in(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> Admission:
        admission = await self.registry.admit(dialect, identity, login, login_digest)
        if await self.custody.arrived(admission):
            await self.reports.take_up(self.registry.calendar.now(), admission.charger_id)
        return admission

    def arrived(self, admission: Admission) -> None:
        """A charger's session is open."""
        self.rekeying.arrived(admission)
        self.card_lists.arrived(admission)
        for desk in self.desks:
            desk.arrived(admission)

    def receive(
        self, admission: Admission, event: ChargerEvent, received_at: datetime
    ) -> "Deferred[Reply] | None":
        """A fact from a charger that is logged in."""
        if isinstance(event, PortsReported) and isinstance(event.at, ChargerTime):
            self.clocks.look(admission, event.at, received_at)
        if isinstance(event, ClockTold):
            self.clocks.look(admission, event.at, received_at)
            return None
        admission = self.clocks.judge(admission)
        if isinstance(event, PortsReported):
            self._reported(admission, event, received_at)
            return None
        if isinstance(event, ChargeStarted | ChargeEnded):
            return self.keeping.take(admission, event, received_at)
        if isinstance(event, CardPresented):
            return Deferred.fromCoroutine(self.cards.present(admission, event))
        if isinstance(event, PricesAsked):
            return Deferred.fromCoroutine(self.price_board.asked(admission))
        if isinstance(event, CardAsked):
            return Deferred.fromCoroutine(self.cards.asked(admission, event))
        if isinstance(event, HazardTold):
            return self.hazards.take(admission, event, received_at)
        if isinstance(event, ChargePaused):
            self.reports.paused(admission, event, received_at)
            return None
        if isinstance(event, ParametersTold):
            self.live.set(admission.charger_id, event.parameters)
            return None
        for desk in self.desks:
            if isinstance(event, desk.facts):
                return desk.take(admission, event)
        # what only a vendor has, and nobody here acts on: it need not be told again
        return succeed(Reply(Outcome.REFUSED))

    def _reported(self, admission: Admission, event: PortsReported, received_at: datetime) -> None:
        at = when(admission, event.at, received_at)
        for reading in one_for_each_port(event.readings):
            self.watching.look(admission, reading, at)
            self.live.take(admission.charger_id, reading, at)
            self.reports.take(admission, reading, at, event.at)
        if event.box is not None:
            self.live.sense(admission.charger_id, event.box, at)
            self.hazards.look_at_box(admission, event.box, at)

    def gone(self, admission: Admission, at: datetime) -> None:
        """A charger has no connection any more: what it charges is looked after by the
        watchdog, and that it is gone is written down, unless it is back already."""
        entry = LogEntry(
            "charger.gone", admission.tenant_id, {"at_ms": instant_ms(at)}, admission.charger_id
        )
        change = Change(
            "chargers",
            {"id": admission.charger_id},
            {"connected": False, "gone_at": at},
            {"epoch": admission.epoch},
        )
        self.watching.write_down(Decision((change,), (entry,)))

    def took(self, dialect: str, seconds: float) -> None:
        """A dialect has read what came."""
        self.plugin_calls.took("dialect", dialect, seconds)

    def failed(self, dialect: str) -> None:
        """A dialect has raised what it must not."""
        self.plugin_calls.failed("dialect", dialect)

    def contested(self, admission: Admission, times: int, at: datetime) -> None:
        """Two boxes may have one identity and key."""
        self._warn("identity-contested", admission, times, at)

    def flapping(self, admission: Admission, times: int, at: datetime) -> None:
        """A network may not hold, or a power supply."""
        self._warn("charger-flapping", admission, times, at)

    def _warn(self, rule: str, admission: Admission, times: int, at: datetime) -> None:
        self.watching.tell(
            Alarm(
                rule=rule,
                level=Level.WARNING,
                tenant_id=admission.tenant_id,
                charger_id=admission.charger_id,
                at=at,
                evidence={"times": times},
            )
        )
