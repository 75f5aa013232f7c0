"""People who come by chance, plug in, order, and fetch their bikes."""

from collections.abc import Sequence
from random import Random

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall

from chargecloud.simulator.api import ApiError, Problem
from chargecloud.simulator.boxes import Box, Spot
from chargecloud.simulator.habits import Plan, draw_linger_s, draw_plan
from chargecloud.simulator.scenarios import FILLING_S, Scenario
from chargecloud.simulator.visitors import Visitors

#: how often somebody tries to get a charge before going home
MOST_TRIES = 4
MOST_CARD_TRIES = 2
#: real seconds to the next try when the platform did not answer, or not sensibly
TRY_LATER_S = 5.0
#: real seconds in which the lamp beside the socket has to go on after an order
LAMP_S = 20.0
#: real seconds between two looks at the lamp, at the least
LOOK_LEAST_REAL_S = 1.0


@define(eq=False, slots=False)
class People(Visitors):
    """
    Everybody who comes to a fleet's boxes.

    @ivar random: whatever people do by chance is drawn from it.
    """

    boxes: Sequence[Box]
    scenario: Scenario
    random: Random
    _arrival: IDelayedCall | None = field(default=None, init=False)

    # ------------------------------------------------------------------- who comes when

    def startService(self) -> None:
        """Open the doors.  Bikes that are there already have owners who will come back."""
        super().startService()
        habits = self.scenario.habits
        for box in self.boxes:
            for port in box.taken_ports:
                linger_s = draw_linger_s(self.random, habits)
                self._begin(self._fetch(Spot(box, port), None, linger_s))
            if self.scenario.fills:
                self._fill(box)
        self._expect_next()

    def stopService(self) -> None:
        """Nobody does anything any more; bikes stay where they are."""
        super().stopService()
        if self._arrival is not None and self._arrival.active():
            self._arrival.cancel()

    def _fill(self, box: Box) -> None:
        ports = len(box.charger.memory.ports)
        wanted = max(1, ports * self.scenario.busy_percent // 100) - len(box.taken_ports)
        for _ in range(wanted):
            self._begin(self._come_late(box, self.random.uniform(0, FILLING_S)))

    def _expect_next(self) -> None:
        ports = sum(len(box.charger.memory.ports) for box in self.boxes)
        gap_s = self.scenario.arrival_gap_s(ports)
        if gap_s is not None:
            real_s = self.random.expovariate(1 / gap_s) / self.calendar.anchor.speed
            self._arrival = self.clock.callLater(real_s, self._arrive)

    def _arrive(self) -> None:
        self._expect_next()
        self._begin(self._visit(self.random.choice(self.boxes)))

    # -------------------------------------------------------------------------- a visit

    async def _come_late(self, box: Box, real_s: float) -> None:
        await self._wait(real_s)
        await self._visit(box)

    async def _visit(self, box: Box) -> None:
        """From coming to a box to leaving with the bike."""
        plan = draw_plan(self.random, self.scenario.habits, self.scenario.card_percent)
        try:
            customer_id = await self.customers.take()
        except ApiError as error:
            self._log.info("somebody cannot register: {error}", error=error)
            return
        try:
            if plan.has_card:
                spot = await self._show_card(customer_id, plan, box)
            else:
                spot = await self._charge(customer_id, plan, box)
            if spot is not None:
                await self._fetch(spot, plan.patience_s, plan.linger_s)
        finally:
            self.customers.come_home(customer_id)

    async def _charge(self, customer_id: str, plan: Plan, box: Box) -> Spot | None:
        """
        Plug in and order.

        @return: where the bike charges now; C{None} if its owner has given up.
        """
        spot = self._plug(box, plan)
        key = self.api.new_key()
        for _ in range(MOST_TRIES):
            if spot is None:
                break
            try:
                await self._order(spot, customer_id, plan.limit, key)
                await self._look_for_lamp(spot)
                return spot
            except Problem as problem:
                # an order that got no answer keeps its key, as it may have been placed
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self._top_up(customer_id, TRY_LATER_S)
                elif problem.status == 409:
                    self._unplug(spot)
                    spot = self._plug(self.random.choice(self.boxes), plan)
                else:
                    await self._complain(problem, TRY_LATER_S)
            except ApiError as error:
                await self._complain(error, TRY_LATER_S)
        if spot is not None:
            self._unplug(spot)
        return None

    async def _show_card(self, customer_id: str, plan: Plan, box: Box) -> Spot | None:
        """
        Plug in and hold a card to the charger, which shows by its lamp whether that worked.

        @return: as of L{_charge}.
        """
        spot = self._plug(box, plan)
        for _ in range(MOST_CARD_TRIES):
            if spot is None:
                break
            try:
                uid = await self.customers.card_of(customer_id)
            except ApiError as error:
                await self._complain(error, TRY_LATER_S)
                continue
            spot.box.charger.present_card(spot.port, uid, self.calendar.now())
            if await self._look_for_lamp(spot):
                return spot
            # the card may be empty
            await self._top_up(customer_id, TRY_LATER_S)
        if spot is not None:
            self._unplug(spot)
        return None

    async def _look_for_lamp(self, spot: Spot) -> bool:
        return await self._look_for(
            lambda: self._is_lit(spot), every_s=LOOK_LEAST_REAL_S, for_s=LAMP_S
        )

    async def _fetch(self, spot: Spot, patience_s: int | None, linger_s: int) -> None:
        """Come back for the bike when it has been charged, or when patience has an end."""
        speed = self.calendar.anchor.speed
        look_s = max(self.scenario.habits.look_s, int(LOOK_LEAST_REAL_S * speed))
        waited_s = 0
        while self._is_lit(spot):
            if patience_s is not None and waited_s >= patience_s:
                self._unplug(spot)
                return
            await self._wait(look_s / speed)
            waited_s += look_s
        await self._wait(linger_s / speed)
        self._unplug(spot)

    # ---------------------------------------------------------------------- at the socket

    def _plug(self, box: Box, plan: Plan) -> Spot | None:
        ports = box.free_ports
        if not ports:
            return None
        spot = Spot(box, self.random.choice(ports))
        box.charger.plug(spot.port, plan.bike, self.calendar.now())
        return spot
