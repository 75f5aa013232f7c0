from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from attrs import define, evolve, field
from treq.testing import RequestTraversalAgent
from twisted.internet.error import ConnectionDone

from chargecloud.calendar import Anchor, Calendar
from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.api import Api
from chargecloud.simulator.boxes import Box
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.customers import Customers
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.people import People
from chargecloud.simulator.scenarios import SCENARIOS, find_scenario
from tests.harness import clock_at
from tests.simulator.charger_parts import bike
from tests.simulator.small_platform import NOW, TOKEN, Refuse, SmallApi

SPEED = 60


@define(eq=False, slots=False)
class Campus:
    """Some boxes, a platform that starts whatever is ordered, and people.

    @ivar refuse: may refuse an order; C{accepts} says whether a card may charge.
    @ivar shown: uids of the cards that were held to chargers.
    """

    boxes: int
    scenario: str
    ports: int = 10
    card_percent: int = 20
    platform: SmallApi = field(factory=SmallApi)
    ended: list[ChargeEnded] = field(factory=list)
    customers: list[str] = field(factory=list)
    refuse: Callable[[dict[str, Any]], None] = lambda _order: None
    accepts: Callable[[str], bool] = lambda _uid: True
    shown: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.clock = clock_at(NOW)
        self.calendar = Calendar(self.clock.seconds, Anchor(self.clock.seconds(), NOW, SPEED))
        self.chargers = [self._charger(f"SIM-{number}") for number in range(self.boxes)]
        self.platform.answer = self._answer
        api = Api(RequestTraversalAgent(self.platform), self.clock, "http://platform", TOKEN)
        self.people = People(
            api,
            Customers(api, self.customers),
            self.clock,
            self.calendar,
            [Box(charger.identity, charger) for charger in self.chargers],
            evolve(SCENARIOS[self.scenario], card_percent=self.card_percent),
            Random(1),
        )

    def _charger(self, identity: str) -> SimulatedCharger:
        memory = Memory.new(self.ports)
        charger = SimulatedCharger(
            identity, memory, NOW, lambda ended, _at: self.ended.append(ended)
        )
        charger.set_clock(int(NOW.timestamp()))
        charger.is_online = True
        charger.watchers.append(lambda: self._answer_cards(charger))
        return charger

    def _answer_cards(self, charger: SimulatedCharger) -> None:
        for card in charger.cards.take_questions():
            self.shown.append(card.uid)
            if self.accepts(card.uid):
                order = {"charger_id": charger.identity, "port": card.port}
                self._start(order, order_id=10_000 + len(self.shown))

    def _answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/orders":
            self.refuse(body)
            self._start(body, order_id=len(self.platform.asked))
        return {}

    def _start(self, order: dict[str, Any], order_id: int) -> None:
        charger = next(one for one in self.chargers if one.identity == order["charger_id"])
        limit = order.get("limit", {})
        energy_wh = limit.get("energy_wh")
        command = StartCharge(
            order_id,
            order["port"],
            valid_until_s=2**40,
            limit_energy_mwh=None if energy_wh is None else energy_wh * 1_000,
            limit_duration_s=limit.get("duration_s"),
        )
        assert charger.obey(command, self.calendar.now()).accepted
        charger.memory.records.clear()

    def run(self, real_s: int) -> None:
        """Let real time pass."""
        for _ in range(real_s):
            self.clock.advance(1)

    @property
    def busy(self) -> list[int]:
        """How many ports of each box charge."""
        return [sum(port.charge is not None for port in one.memory.ports) for one in self.chargers]

    @property
    def plugged(self) -> int:
        """How many bikes there are."""
        return sum(port.bike is not None for one in self.chargers for port in one.memory.ports)


def test_the_demo_is_busy_at_once() -> None:
    """Within twenty seconds of real time every box has a port that charges."""
    campus = Campus(20, "demo")
    campus.people.startService()
    campus.run(20)
    assert min(campus.busy) >= 1
    assert len(campus.shown) >= 8
    assert 3 <= sum(campus.busy) / 20 <= 5
    campus.people.stopService()


def test_the_demo_goes_on_for_ever() -> None:
    """Hours later, people still come and go, and as many ports are busy as at first."""
    campus = Campus(10, "demo")
    campus.people.startService()
    campus.run(600)
    shares = []
    for _ in range(30):
        campus.run(60)
        shares.append(sum(campus.busy) / 10)
    assert 3 <= sum(shares) / len(shares) <= 5
    reasons = Counter(ended.reason for ended in campus.ended)
    assert reasons[StopReason.FULL] > reasons[StopReason.UNPLUGGED] > 0
    assert reasons[StopReason.LIMIT_TIME] > 0
    assert reasons[StopReason.LIMIT_ENERGY] > 0
    assert reasons[StopReason.NO_LOAD] > 0
    # people come home, and go out to charge again another day
    assert len(campus.customers) < len(campus.platform.bodies("/orders")) / 2
    campus.people.stopService()


def test_nobody_comes_to_a_quiet_box() -> None:
    """Chargers may be looked at on their own."""
    campus = Campus(2, "quiet")
    campus.people.startService()
    campus.run(3_600)
    assert campus.platform.asked == []
    assert campus.clock.getDelayedCalls() == []


def test_people_come_little_by_little_in_a_steady_scenario() -> None:
    """Nobody rushes in at the start."""
    campus = Campus(10, "steady")
    campus.people.startService()
    campus.run(20)
    assert sum(campus.busy) < 10
    campus.run(1_800)
    assert 2 <= sum(campus.busy) / 10 <= 6
    campus.people.stopService()


def test_an_order_says_who_charges_where() -> None:
    """With the ids that the platform gave, and a limit from time to time."""
    campus = Campus(10, "demo")
    campus.people.startService()
    campus.run(20)
    orders = campus.platform.bodies("/orders")
    assert {order["customer_id"] for order in orders} <= set(campus.customers)
    assert len({order["customer_id"] for order in orders}) == len(orders)
    assert {key for order in orders for key in order.get("limit", {})} >= {"duration_s"}
    campus.people.stopService()


def test_a_card_is_made_once_and_shown_each_time() -> None:
    """Its customer orders nothing over the API; there is money behind it."""
    campus = Campus(10, "demo")
    campus.people.startService()
    campus.run(1_800)
    cards = campus.platform.bodies("/cards")
    uids = [card["uid"] for card in cards]
    assert set(campus.shown) == set(uids)
    assert len(campus.shown) > len(uids) == len(set(uids))
    assert {card["status"] for card in cards} == {"active"}
    for card in cards:
        assert campus.platform.bodies(f"/wallets/{card['customer_id']}/top-ups")
    share = len(campus.shown) / (len(campus.shown) + len(campus.platform.bodies("/orders")))
    assert 0.1 < share < 0.3
    campus.people.stopService()


def test_a_card_that_lights_no_lamp_is_tried_again_with_money_behind_it() -> None:
    """And then its owner goes away with the bike."""
    campus = Campus(10, "demo")
    campus.accepts = lambda _uid: False
    campus.people.startService()
    campus.run(100)
    shown = Counter(campus.shown)
    first_in = list(shown)[:3]
    assert [shown[uid] for uid in first_in] == [2, 2, 2]
    owners = [
        card["customer_id"] for card in campus.platform.bodies("/cards") if card["uid"] in first_in
    ]
    for owner in owners:
        assert len(campus.platform.bodies(f"/wallets/{owner}/top-ups")) >= 2
    campus.people.stopService()


def test_a_card_that_was_forgotten_is_still_there() -> None:
    """The platform says so, and it is shown as any other."""
    campus = Campus(4, "demo")
    answer = campus.platform.answer

    def has_cards(path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/cards":
            raise Refuse(409, "already-exists")
        return answer(path, body)

    campus.platform.answer = has_cards
    campus.people.startService()
    campus.run(30)
    assert campus.shown
    campus.people.stopService()


def test_the_poor_top_up_and_order_again() -> None:
    """A wallet that is empty is filled, and the charge begins."""
    campus = Campus(1, "demo", card_percent=0)
    paid: set[str] = set()

    def refuse_poor(order: dict[str, Any]) -> None:
        wallets = {path.split("/")[2] for path, _ in campus.platform.asked if "top-ups" in path}
        paid.update(wallets)
        if order["customer_id"] not in wallets:
            raise Refuse(409, "insufficient-funds")

    campus.refuse = refuse_poor
    campus.people.startService()
    campus.run(20)
    assert campus.busy == [4]
    assert len(paid) == 4
    campus.people.stopService()


@pytest.mark.parametrize("kind", ["port-busy", "charger-offline"])
def test_people_go_elsewhere_if_a_box_refuses(kind: str) -> None:
    """They take their bikes with them."""
    campus = Campus(2, "demo", card_percent=0)

    def refuse_first(order: dict[str, Any]) -> None:
        if order["charger_id"] == "SIM-0":
            raise Refuse(409, kind)

    campus.refuse = refuse_first
    campus.people.startService()
    campus.run(20)
    assert campus.busy[0] == 0
    assert campus.busy[1] >= 5
    assert campus.plugged == sum(campus.busy)
    campus.people.stopService()


def test_people_give_up_on_a_platform_that_does_not_work() -> None:
    """They try again some times, then take their bikes and go."""
    campus = Campus(2, "demo", card_percent=0)

    def fail(_order: dict[str, Any]) -> None:
        raise Refuse(500, "internal-error")

    campus.refuse = fail
    campus.people.startService()
    campus.run(15)
    assert campus.plugged > 0
    campus.run(45)
    assert campus.busy == [0, 0]
    assert campus.plugged <= 2
    campus.people.stopService()


def test_an_order_without_an_answer_is_placed_once() -> None:
    """Who hears nothing asks again for the same order, and who is refused for another."""
    campus = Campus(1, "demo", ports=1, card_percent=0)

    def no_answer(order: dict[str, Any]) -> None:
        tries = len(campus.platform.bodies("/orders"))
        if tries == 1:
            raise ConnectionDone
        if tries == 2:
            raise Refuse(500, "internal-error")

    campus.refuse = no_answer
    campus.people.startService()
    campus.run(45)
    assert campus.busy == [1]
    paths = [path for path, _ in campus.platform.asked]
    assert paths == ["/customers", "/orders", "/orders", "/orders"]
    first, second, third = campus.platform.keys[1:]
    assert first == second != third
    campus.people.stopService()


def test_bikes_that_were_there_before_are_fetched() -> None:
    """A second run finds plugs in sockets, and their owners come back for them."""
    campus = Campus(1, "quiet")
    campus.chargers[0].plug(3, bike(), campus.calendar.now())
    campus._start({"charger_id": "SIM-0", "port": 3, "limit": {"duration_s": 3_600}}, 1)
    campus.people.startService()
    campus.run(59)
    assert campus.busy == [1]
    campus.run(5 + 2 * 60 + 1)
    assert campus.plugged == 0
    assert campus.ended[0].reason is StopReason.LIMIT_TIME


def test_nobody_moves_after_the_end() -> None:
    """People who are stopped leave no timer behind, and their bikes where they are."""
    campus = Campus(3, "demo")
    campus.people.startService()
    campus.run(30)
    plugged = campus.plugged
    assert plugged > 0
    campus.people.stopService()
    assert campus.clock.getDelayedCalls() == []
    assert campus.plugged == plugged


def test_a_scenario_that_there_is_none_of_is_refused() -> None:
    """The message names those that there are."""
    with pytest.raises(ValueError, match=r"must be one of .*, quiet, campus, .*, not 'riot'"):
        find_scenario("riot")
