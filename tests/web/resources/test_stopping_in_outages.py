"""Charges are stopped over HTTP while the database is away."""

import pytest

from chargecloud.domain.commands import Answer
from chargecloud.domain.events import StopReason
from tests.outage import Outage
from tests.web.resources.asking import Asking
from tests.web.resources.test_command_resource import STOP, charging
from tests.world import World

#: what is in the way is put into its engine
pytestmark = pytest.mark.sqlite


@pytest.fixture
def outage(world: World) -> Outage:
    """The world's database, which may go away."""
    return Outage(world.store.engine)


def test_an_order_is_stopped_while_the_database_is_away(
    world: World, api: Asking, outage: Outage
) -> None:
    """By a token that has been used before; and the answer is the order as it is in memory."""
    box, order_id = charging(world)
    tenant_id = api.found(f"/orders/{order_id}")["tenant_id"]
    token = api.token(tenant_id, "operator")
    api.found(f"/orders/{order_id}", token=token)
    outage.is_away = True
    asked = api.begin("POST", f"/orders/{order_id}/stop", token=token)
    box.pump()
    box.accept(box.stops()[0])
    answer = asked.answer()
    assert (answer.status, answer.json["state"]) == (200, "charging")
    box.end(2, int(order_id), 5_000_000, 600, StopReason.REMOTE)
    outage.is_away = False
    world.pass_time(60)
    assert api.found(f"/orders/{order_id}")["stop_reason"] == "user"


def test_a_command_to_stop_is_sent_and_written_down_later(
    world: World, api: Asking, outage: Outage
) -> None:
    """It was given, whatever the charger says; under its key it is given once."""
    box, _ = charging(world)
    outage.is_away = True
    path = f"/chargers/{box.id}/commands"
    asked = api.begin("POST", path, STOP, key="k")
    box.pump()
    box.accept(box.stops()[0], Answer(False, "busy"))
    assert asked.answer().json["accepted"] is False
    assert api.ask("POST", path, STOP, key="k").json["accepted"] is False
    assert len(box.pump().stops()) == 1
    outage.is_away = False
    world.platform.watching.write_late()
    assert [each["name"] for each in world.logged("charger.commanded")] == ["stop"]


def test_a_stop_for_many_reaches_those_that_charge(
    world: World, api: Asking, outage: Outage
) -> None:
    """What cannot be found out about one does not keep the next one going."""
    box, _ = charging(world)
    idle = world.box(identity="EB-0002").connect()
    outage.is_away = True
    body = {"name": "stop", "port": 1, "charger_ids": [str(idle.id), str(box.id)]}
    answer = api.ask("POST", "/chargers/commands", body)
    assert (answer.json["sent"], answer.json["refused"]) == (1, 1)
    assert [each["problem"] for each in answer.json["chargers"]] == ["/problems/overloaded", None]
    assert len(box.pump().stops()) == 1
    box.accept(box.stops()[0])


def test_another_tenants_charge_is_not_stopped(world: World, api: Asking) -> None:
    """Nor is it said that there is one."""
    box, order_id = charging(world)
    _, stranger = api.tenant("another")
    assert api.ask("POST", f"/orders/{order_id}/stop", token=stranger).status == 404
    answer = api.ask("POST", f"/chargers/{box.id}/commands", STOP, token=stranger)
    assert answer.status == 404
    assert box.pump().stops() == []
