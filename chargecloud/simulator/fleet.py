"""A fleet of simulated chargers and the people who charge at it, as a service."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import MultiService, Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory

from chargecloud.calendar import Anchor, Calendar
from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.acn.drivers import Drivers, to_week_of
from chargecloud.simulator.acn.providing import GarageProvisioning
from chargecloud.simulator.acn.sessions import ChargingSession, sessions_of_week
from chargecloud.simulator.acn.stations import Station, stations_of
from chargecloud.simulator.api import AT_A_TIME, Api, ApiError
from chargecloud.simulator.badnet import BadNet
from chargecloud.simulator.blackouts import Blackouts, Supplied
from chargecloud.simulator.book import Book
from chargecloud.simulator.boxes import Box
from chargecloud.simulator.campus import draw_day
from chargecloud.simulator.campus_day import CampusDay
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.customers import Customers
from chargecloud.simulator.flash import Flash, FlashError, FleetCharger, text_of
from chargecloud.simulator.link import Link
from chargecloud.simulator.people import People
from chargecloud.simulator.provisioning import CAMPUS_SITES, SITES, Provisioning, facts_of
from chargecloud.simulator.saving import Saving
from chargecloud.simulator.scenarios import find_scenario
from chargecloud.simulator.speaking import ISimulatedDialect

#: real seconds between two questions whether the platform is ready
READY_RETRY_S = 0.5
#: real seconds until what the platform refused to register is tried again
PROVIDE_RETRY_S = 5.0
#: real seconds over which the chargers of a fleet connect
CONNECTING_S = 2.0
#: real seconds between two lines about what goes on
TELLING_S = 30.0
#: real seconds for farewells to a platform that does not read
FAREWELL_S = 3.0


class _QuietFactory(_HTTP11ClientFactory):
    noisy = False


class QuietPool(HTTPConnectionPool):
    """Does not tell of each connection that it makes, which nobody wants to know."""

    _factory = _QuietFactory


class SimulatorService(MultiService):
    """
    A fleet, from the platform's first sign of life to its memory's last save.

    It waits for the platform, registers there what its memory lacks, connects the chargers,
    and lets people come.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        connect: str,
        api_url: str,
        token: str,
        speaks: ISimulatedDialect,
        chargers: int,
        ports: int,
        scenario: str,
        folder: Path,
        seed: int,
    ) -> None:
        """
        @param connect: endpoint of the platform's chargers, C{"tcp:127.0.0.1:9010"}.
        @param api_url: C{"http://127.0.0.1:8080"}.
        @param folder: where C{flash.json} and C{book.jsonl} are kept.
        @param speaks: the dialect of the chargers.
        @raise ValueError: for an endpoint or a scenario that there is none of.
        @raise FlashError: if the folder has a memory that cannot be understood, or is of
            chargers of another dialect.
        """
        super().__init__()
        self._speaks = speaks
        self._reactor = reactor
        self._endpoint = clientFromString(reactor, connect)
        self._scenario = find_scenario(scenario)
        self._chargers, self._ports = chargers, ports
        self._flash = Flash(folder / "flash.json")
        self._book = Book(folder / "book.jsonl", folder / "stays.jsonl")
        self._memory = self._flash.read()
        if self._memory.chargers and self._memory.dialect != speaks.name:
            raise FlashError(f"{folder} is the memory of {self._memory.dialect} chargers")
        self._memory.dialect = speaks.name
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - chance, and no secrets
        self._pool = QuietPool(reactor)
        self._pool.maxPersistentPerHost = AT_A_TIME
        agent = Agent(reactor, connectTimeout=10, pool=self._pool)
        self._api = Api(agent, reactor, api_url.rstrip("/"), token)
        self._opening: Deferred[None] = succeed(None)

    def startService(self) -> None:
        """Begin; everything else follows when the platform is ready."""
        super().startService()
        self._opening = Deferred.fromCoroutine(self._open())
        self._opening.addErrback(self._not_opened)

    def stopService(self) -> "Deferred[None]":
        """Stop what was started last first, and each part only when the one before has come
        to rest: people, connections, and the memory at last."""
        Service.stopService(self)
        self._opening.cancel()
        return Deferred.fromCoroutine(self._close())

    # -------------------------------------------------------------------------- the start

    async def _open(self) -> None:
        calendar = await self._wait_for_platform()
        week = self._scenario.week
        sessions = () if week is None else to_week_of(calendar.now(), sessions_of_week(week), week)
        await self._provide(stations_of(sessions))
        members = self._members(stations_of(sessions))
        for member in members:
            member.memory.boot += 1
        # a start that was not written down before its number is used would use it twice
        await self._write(text_of(self._memory))
        boxes = [self._box(member, calendar.now()) for member in members]
        chargers = [box.charger for box in boxes]
        saving = Saving(self._memory, chargers, self._write, self._reactor, calendar)
        saving.setServiceParent(self)
        supplied = await self._connect(members, chargers, calendar)
        telling = TimerService(TELLING_S, self._tell, chargers, calendar)
        telling.clock = self._reactor
        telling.setServiceParent(self)
        if self._scenario.blackout_gap_s is not None:
            gap_s, random = self._scenario.blackout_gap_s, Random(self._random.random())  # noqa: S311
            together = self._scenario.is_dark_together
            Blackouts(
                [supplied] if together else [[each] for each in supplied],
                saving.save,
                gap_s,
                self._scenario.blackout_s,
                self._reactor,
                calendar,
                random,
            ).setServiceParent(self)
        customers = Customers(self._api, self._memory.customers, self._memory.cards)
        people = await self._people(boxes, customers, calendar, sessions)
        people.setServiceParent(self)

    async def _people(
        self,
        boxes: Sequence[Box],
        customers: Customers,
        calendar: Calendar,
        sessions: Sequence[ChargingSession],
    ) -> Service:
        """Those who come, as the scenario has them."""
        common = (self._api, customers, self._reactor, calendar)
        if self._scenario.week is not None:
            garage = {box.charger.identity: box for box in boxes}
            return Drivers(*common, sessions, garage)
        if self._scenario.is_planned:
            # as many as there are ports: nobody registers in the morning's rush
            await customers.prepare(len(boxes) * self._ports)
            visits = draw_day(Random(self._seed), len(boxes), self._ports)  # noqa: S311
            return CampusDay(*common, visits, boxes)
        return People(*common, boxes, self._scenario, self._random)

    def _tell(self, chargers: Sequence[SimulatedCharger], calendar: Calendar) -> None:
        """Say in a line what goes on, to those who watch."""
        ports = [port for charger in chargers for port in charger.memory.ports]
        self._log.info(
            "{now:%Y-%m-%d %H:%M} UTC of the calendar: {charging} of {ports} ports charge",
            now=calendar.now(),
            charging=sum(port.charge is not None for port in ports),
            ports=len(ports),
        )

    async def _wait_for_platform(self) -> Calendar:
        """Wait until the platform is ready, and take its calendar."""
        while True:
            try:
                answer = await self._api.readiness()
                if answer["ready"]:
                    told = answer["calendar"]
                    now = datetime.fromisoformat(told["now"])
                    anchor = Anchor(self._reactor.seconds(), now, float(told["speed"]))
                    return Calendar(self._reactor.seconds, anchor)
            except ApiError as error:
                self._log.debug("the platform is not ready: {error}", error=error)
            await self._wait(READY_RETRY_S)

    def _members(self, stations: Sequence[Station]) -> Sequence[FleetCharger]:
        """The chargers of the scenario, of all that the memory knows."""
        if self._scenario.week is None:
            return self._memory.chargers[: self._chargers]
        names = {station.name for station in stations}
        return [member for member in self._memory.chargers if member.identity in names]

    async def _provide(self, stations: Sequence[Station]) -> None:
        def keep() -> "Deferred[None]":
            return self._write(text_of(self._memory))

        while True:
            try:
                if self._scenario.week is not None:
                    await GarageProvisioning(self._api, self._memory, keep).provide(stations)
                    return
                sites = CAMPUS_SITES if self._scenario.is_planned else SITES
                provisioning = Provisioning(self._api, self._memory, keep, sites, self._speaks)
                await provisioning.provide(self._chargers, self._ports)
                return
            except ApiError as error:
                self._log.error("the fleet cannot be registered: {error}", error=error)
            await self._wait(PROVIDE_RETRY_S)

    def _box(self, member: FleetCharger, booted_at: datetime) -> Box:
        def told_end(ended: ChargeEnded, ended_at: datetime) -> None:
            self._book.add(member.identity, ended, ended_at)

        charger = SimulatedCharger(member.identity, member.memory, booted_at, told_end)
        charger.told_stay = self._book.add_stay
        charger.report_least_real_s = self._scenario.report_least_real_s
        charger.keys = member.keys
        # half of them, as chargers in the field
        charger.resumes = int(member.identity[-1], 36) % 2 == 0
        return Box(member.charger_id, charger)

    async def _connect(
        self,
        members: Sequence[FleetCharger],
        chargers: Sequence[SimulatedCharger],
        calendar: Calendar,
    ) -> Sequence[Supplied]:
        links, supplied = MultiService(), list[Supplied]()
        links.setServiceParent(self)
        jitter = Random(self._random.random()).random  # noqa: S311
        for member, charger in zip(members, chargers, strict=True):
            link = Link(
                charger,
                facts_of(member.identity, len(member.memory.ports)),
                calendar,
                self._reactor,
                jitter,
                self._speaks,
            )
            service = link.service(self._endpoint, self._network())
            service.setServiceParent(links)
            supplied.append(Supplied(link, service))
            await self._wait(CONNECTING_S / len(members))
        return supplied

    def _network(self) -> "Callable[[Factory[Any]], Factory[Any]]":
        """What is between a charger and the platform."""
        network, random = self._scenario.network, Random(self._random.random())  # noqa: S311
        if network is None:
            return lambda link: link
        return lambda link: BadNet(link, network, self._reactor, random)

    def _not_opened(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("the simulator has not started", failure)

    # --------------------------------------------------------------------------- the end

    async def _close(self) -> None:
        await self._opening
        for part in reversed(list(self)):
            resting = maybeDeferred(part.stopService)
            resting.addTimeout(FAREWELL_S, self._reactor)
            resting.addErrback(lambda failure: failure.trap(DeferredTimeout))
            await resting
        await self._pool.closeCachedConnections()

    def _write(self, text: str) -> "Deferred[None]":
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, self._flash.write, text)

    def _wait(self, real_s: float) -> "Deferred[None]":
        return deferLater(self._reactor, real_s)
