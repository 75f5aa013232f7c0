from typing import Any

import pytest
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from chargecloud.money.by_time import ByTime
from chargecloud.money.time_of_use import TimeOfUse
from chargecloud.simulator.api import Api, Problem
from chargecloud.simulator.flash import FleetMemory
from chargecloud.simulator.provisioning import Provisioning
from tests.harness import failure_of, result_of
from tests.simulator.small_platform import KEY, NOW, TOKEN, Refuse, SmallApi

TARIFFS = {kind.kind: kind for kind in (TimeOfUse(), ByTime())}


def provide(platform: SmallApi, memory: FleetMemory, chargers: int, kept: list[int]) -> Any:
    """Bring a fleet up to so many chargers, writing down how many there were at each save."""

    def keep() -> "Deferred[None]":
        kept.append(len(memory.chargers))
        return succeed(None)

    api = Api(RequestTraversalAgent(platform), Clock(), "http://platform", TOKEN)
    return Provisioning(api, memory, keep).provide(chargers, ports=10)


def test_a_new_fleet_is_registered() -> None:
    """Two sites with a tariff each, and the chargers divided among them."""
    platform, memory = SmallApi(), FleetMemory()
    result_of(provide(platform, memory, 3, []))
    sites = platform.bodies("/sites")
    assert [site["name"] for site in sites] == ["North campus", "South campus"]
    assert {site["time_zone"] for site in sites} == {"Asia/Shanghai"}
    chargers = platform.bodies("/chargers")
    assert [charger["identity"] for charger in chargers] == ["SIM-0001", "SIM-0002", "SIM-0003"]
    assert len({charger["site_id"] for charger in chargers}) == 2
    assert len({charger["iccid"] for charger in chargers}) == 3
    first = memory.chargers[0]
    assert first.keys is not None
    assert (first.identity, first.keys.key) == ("SIM-0001", KEY.hex())
    assert len(first.memory.ports) == 10


def test_its_tariffs_are_such() -> None:
    """The platform's own rules find no fault with their terms."""
    platform = SmallApi()
    result_of(provide(platform, FleetMemory(), 1, []))
    kinds = [tariff["kind"] for tariff in platform.bodies("/tariffs")]
    assert kinds == ["time_of_use", "by_time"]
    for tariff in platform.bodies("/tariffs"):
        assert TARIFFS[tariff["kind"]].check(tariff["terms"]) == tariff["terms"]


def test_what_is_remembered_is_not_made_again() -> None:
    """A second run registers only the chargers that are new."""
    platform, memory = SmallApi(), FleetMemory()
    result_of(provide(platform, memory, 2, []))
    platform.asked.clear()
    result_of(provide(platform, memory, 3, []))
    assert [body["identity"] for _, body in platform.asked] == ["SIM-0003"]
    platform.asked.clear()
    result_of(provide(platform, memory, 1, []))
    assert platform.asked == []


def test_each_key_is_kept_before_the_next_is_asked_for() -> None:
    """A key is shown once: a platform that goes away in between costs none."""
    platform, memory = SmallApi(), FleetMemory()

    def fail_third(path: str, _body: object) -> dict[str, object]:
        if len(platform.bodies("/chargers")) == 3:
            raise Refuse(503, "overloaded")
        return {}

    platform.answer = fail_third
    kept: list[int] = []
    failure_of(provide(platform, memory, 5, kept), Problem)
    assert kept == [0, 0, 0, 0, 1, 2]
    assert memory.last_number == 2


def test_identities_of_others_are_passed_over() -> None:
    """A fleet that has lost its memory, or has a neighbour, takes the next free numbers."""
    platform, memory = SmallApi(NOW.replace), FleetMemory()

    def refuse_some(path: str, body: dict[str, Any]) -> dict[str, object]:
        if body.get("identity") in ("SIM-0001", "SIM-0003"):
            raise Refuse(409, "already-exists")
        return {}

    platform.answer = refuse_some
    result_of(provide(platform, memory, 2, []))
    assert [known.identity for known in memory.chargers] == ["SIM-0002", "SIM-0004"]


def test_other_refusals_are_told() -> None:
    """A bad token is nobody's identity."""
    platform = SmallApi()

    def refuse(path: str, _body: object) -> dict[str, object]:
        raise Refuse(403, "not-permitted")

    platform.answer = refuse
    with pytest.raises(Problem, match="not-permitted"):
        raise failure_of(provide(platform, FleetMemory(), 1, []), Problem)
