"""Chargers whose power is cut now and then."""

from random import Random

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import clientFromString
from twisted.internet.testing import MemoryReactorClock

from chargecloud.calendar import Anchor, Calendar
from chargecloud.domain.units import HOUR
from chargecloud.simulator.blackouts import Blackouts, Supplied
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link
from chargecloud.simulator.provisioning import facts_of
from chargecloud.simulator.scenarios import SCENARIOS
from tests.simulator.charger_parts import NOW, Stand, bike, new_stand
from tests.simulator.small_platform import KEY

SPEED = 60
#: how long a cut lasts, in seconds of the calendar
SHORTEST_S, LONGEST_S = 120, 900


@define(eq=False, slots=False)
class Street:
    """Some chargers on the mains, which try to connect."""

    chargers: int = 4
    saving: "Deferred[None] | None" = None
    together: bool = False
    saved: int = 0
    stands: list[Stand] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.reactor.rightNow = NOW.timestamp()
        self.calendar = Calendar(self.reactor.seconds, Anchor(self.reactor.seconds(), NOW, SPEED))
        supplied = []
        for number in range(self.chargers):
            stand = new_stand()
            stand.charger.plug(1, bike(), NOW)
            stand.start(until_full=False)
            self.stands.append(stand)
            stand.charger.keys = Keyring(f"SIM-{number}", KEY.hex())
            link = Link(
                stand.charger,
                facts_of(f"SIM-{number}", 4),
                self.calendar,
                self.reactor,
                lambda: 0.0,
            )
            service = link.service(clientFromString(self.reactor, "tcp:127.0.0.1:9010"))
            service.startService()
            supplied.append(Supplied(link, service))
        self.blackouts = Blackouts(
            [supplied] if self.together else [[each] for each in supplied],
            self._save,
            3 * HOUR,
            (SHORTEST_S, LONGEST_S),
            self.reactor,
            self.calendar,
            Random(1),
        )
        self.blackouts.startService()

    def _save(self) -> "Deferred[None]":
        self.saved += 1
        return self.saving or succeed(None)

    @property
    def powered(self) -> list[bool]:
        """Which chargers have power."""
        return [stand.charger.is_powered for stand in self.stands]

    def watch(self, real_s: int) -> list[list[bool]]:
        """Who has power, in each second of so many."""
        seen = []
        for _ in range(real_s):
            self.reactor.advance(1)
            seen.append(self.powered)
        return seen


def test_the_power_of_each_charger_fails_now_and_then() -> None:
    """For some minutes of the calendar, at its own times."""
    street = Street()
    seen = street.watch(60 * 60)
    for number in range(4):
        flags = "".join("x."[each[number]] for each in seen)
        cuts = [run for run in flags.split(".") if run]
        boots = street.stands[number].charger.memory.boot
        assert 8 <= len(cuts) <= 40
        assert boots - 1 in (len(cuts), len(cuts) - 1)
        assert all(len(cut) * SPEED <= LONGEST_S + SPEED for cut in cuts)
        assert sum(len(cut) for cut in cuts) * SPEED >= len(cuts) * SHORTEST_S / 2
    assert any(not all(each) and any(each) for each in seen)


def test_a_charger_without_power_does_not_connect() -> None:
    """Nor before its new start is written down."""
    street = Street(chargers=1)
    street.saving = Deferred()
    connecting = street.reactor.tcpClients
    for power in (True, False):
        while street.powered == [power]:
            street.reactor.advance(1)
    assert len(connecting) == 1
    street.saving.callback(None)
    assert len(connecting) == 2


def test_everybody_has_power_at_the_end() -> None:
    """What was charging goes on in the next run, and no timer is left."""
    street = Street()
    while all(street.powered):
        street.reactor.advance(1)
    street.blackouts.stopService()
    assert all(street.powered)
    for (supplied,) in street.blackouts.supplied:
        supplied.service.stopService()
    assert street.reactor.getDelayedCalls() == []


def test_power_fails_in_these_scenarios_only() -> None:
    """The one is as busy as the demo, the others are for trials."""
    cut = {name for name, scenario in SCENARIOS.items() if scenario.blackout_gap_s}
    assert cut == {"blackouts", "hasty", "storm"}
    assert SCENARIOS["blackouts"].busy_percent == SCENARIOS["demo"].busy_percent


def test_the_chargers_of_one_line_fail_together() -> None:
    """And come back together."""
    street = Street(together=True)
    seen = street.watch(60 * 60)
    assert {tuple(flags) for flags in seen} == {(True,) * 4, (False,) * 4}
