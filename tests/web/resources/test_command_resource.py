"""C{/chargers/{charger_id}/commands}"""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.charging.calls import Calls
from chargecloud.domain.commands import Answer, SetTime, StopCharge
from chargecloud.domain.decision import Decision
from chargecloud.domain.events import StopReason
from chargecloud.gateway.routing import COMMAND_DEADLINE_S
from chargecloud.storage.once import RequestKey
from chargecloud.web.resources.commands import Commanding, NewCommand
from tests.harness import result_of
from tests.web.resources.asking import Asking
from tests.world import Box, World

STOP = {"name": "stop", "port": 1}
SET_TIME = {"name": "set_time"}


def charging(world: World, **order: Any) -> tuple[Box, str]:
    """A box that charges, and the id of its order."""
    box = world.box().connect()
    placed = world.order(box, **order)
    box.begin()
    return box, placed["id"]


def test_a_command_is_answered_by_the_charger(world: World, api: Asking) -> None:
    """The one who asks waits for the charger's own answer."""
    box = world.box().connect()
    asked = api.begin("POST", f"/chargers/{box.id}/commands", SET_TIME)
    box.pump()
    (ordered,) = box.orders(SetTime)
    assert ordered.command == SetTime(int(world.clock.seconds()))
    box.accept(ordered)
    answer = asked.answer()
    assert (answer.status, answer.json["state"], answer.json["code"]) == (200, "answered", "ok")
    assert answer.json["accepted"] is True
    assert api.found(f"/chargers/{box.id}/commands/{answer.json['id']}") == answer.json


def test_a_charger_may_refuse(world: World, api: Asking) -> None:
    """A refusal of the charger is an answer like any other."""
    box = world.box().connect()
    asked = api.begin("POST", f"/chargers/{box.id}/commands", SET_TIME)
    box.pump()
    box.accept(box.orders(SetTime)[0], Answer(False, "busy"))
    answer = asked.answer()
    assert answer.status == 200
    assert (answer.json["accepted"], answer.json["code"]) == (False, "busy")


def test_who_does_not_wait_may_look_later(world: World, api: Asking) -> None:
    """With Prefer: respond-async the answer is that it was sent, and the rest is looked up."""
    box = world.box().connect()
    path = f"/chargers/{box.id}/commands"
    begun = api.ask("POST", path, SET_TIME, prefer="respond-async")
    assert (begun.status, begun.json["state"], begun.json["accepted"]) == (202, "sent", None)
    assert api.found(f"{path}/{begun.json['id']}") == begun.json
    box.pump().accept(box.orders(SetTime)[0])
    assert api.found(f"{path}/{begun.json['id']}")["state"] == "answered"


def test_no_command_waits_for_ever(world: World, api: Asking) -> None:
    """A charger that says nothing until the deadline has not answered: 504."""
    box = world.box().connect()
    asked = api.begin("POST", f"/chargers/{box.id}/commands", SET_TIME)
    begun = api.ask("POST", f"/chargers/{box.id}/commands", SET_TIME, prefer="respond-async")
    world.clock.advance(COMMAND_DEADLINE_S + 1)
    answer = asked.answer()
    assert (answer.status, answer.kind) == (504, "command-timed-out")
    late = api.found(f"/chargers/{box.id}/commands/{begun.json['id']}")
    assert (late["state"], late["code"]) == ("failed", "command-timed-out")


def test_a_charger_that_is_away(world: World, api: Asking) -> None:
    """Nothing is kept for a charger that is not connected."""
    answer = api.ask("POST", f"/chargers/{world.box().id}/commands", SET_TIME)
    assert (answer.status, answer.kind) == (409, "charger-offline")


def test_a_command_that_the_dialect_does_not_have(world: World, api: Asking) -> None:
    """Only the dialect knows its own commands, and says so."""
    box = world.box().connect()
    body = {"name": "dance", "port": 1, "args": {"to": "music"}}
    assert api.ask("POST", f"/chargers/{box.id}/commands", body).status == 409


def test_there_is_no_such_charger_or_command(world: World, api: Asking) -> None:
    """A command is found at its own charger only."""
    box, other = world.box().connect(), world.box(identity="EB-0002").connect()
    begun = api.ask("POST", f"/chargers/{box.id}/commands", SET_TIME, prefer="respond-async")
    assert api.ask("GET", f"/chargers/{other.id}/commands/{begun.json['id']}").status == 404
    assert api.ask("GET", f"/chargers/{box.id}/commands/5").status == 404
    assert api.ask("GET", "/chargers/5/commands/5").status == 404
    assert api.ask("POST", "/chargers/5/commands", SET_TIME).status == 404


# --------------------------------------------------------------------------------- stopping


def test_an_operator_stops_a_charge(world: World, api: Asking) -> None:
    """The order ends with the charger's record, for the operator's reason."""
    box, order_id = charging(world)
    world.pass_time(600, lambda: box.report(3000))
    asked = api.begin("POST", f"/chargers/{box.id}/commands", STOP)
    box.pump()
    (ordered,) = box.stops()
    assert ordered.command == StopCharge(int(order_id), 1)
    box.accept(ordered)
    assert asked.answer().json["accepted"] is True
    box.end(2, int(order_id), 5_000_000, 600, StopReason.REMOTE)
    assert api.found(f"/orders/{order_id}")["stop_reason"] == "operator"


def test_a_stop_needs_a_port_with_an_order(world: World, api: Asking) -> None:
    """What is to be stopped must be said, and must run."""
    box = world.box().connect()
    path = f"/chargers/{box.id}/commands"
    answer = api.ask("POST", path, {"name": "stop"})
    assert (answer.status, answer.places) == (422, ["/port"])
    assert api.ask("POST", path, STOP).kind == "conflict"


def test_a_stop_that_the_charger_refuses_leaves_no_reason(world: World, api: Asking) -> None:
    """The charge goes on, and is still stopped by itself before it costs too much."""
    box, order_id = charging(world, prepaid_fen=50, customer_id=world.customer())
    asked = api.begin("POST", f"/chargers/{box.id}/commands", STOP)
    box.pump()
    box.accept(box.stops()[0], Answer(False, "busy"))
    assert asked.answer().json["accepted"] is False
    world.pass_time(3600, lambda: box.report(10_000))
    assert len(box.stops()) > 1
    box.end(2, int(order_id), 5_000_000, 3600, StopReason.REMOTE)
    assert api.found(f"/orders/{order_id}")["stop_reason"] == "limit_amount"


def test_a_stop_that_is_lost_leaves_no_reason(world: World, api: Asking) -> None:
    """A charger that never had the stop ends for reasons of its own."""
    box, order_id = charging(world)
    asked = api.begin("POST", f"/chargers/{box.id}/commands", STOP)
    box.drop()
    assert asked.answer().kind == "charger-offline"
    box.connect().end(2, int(order_id), 5_000_000, 600, StopReason.REMOTE)
    assert api.found(f"/orders/{order_id}")["stop_reason"] == "remote"


# ---------------------------------------------------------------------------- sending again


def test_a_command_that_is_sent_again_reaches_the_charger_once(world: World, api: Asking) -> None:
    """Under its key a repetition is told what became of the command, before and after."""
    box = world.box().connect()
    path = f"/chargers/{box.id}/commands"
    begun = api.ask("POST", path, SET_TIME, key="k", prefer="respond-async")
    again = api.ask("POST", path, SET_TIME, key="k")
    assert (again.status, again.json) == (202, begun.json)
    box.pump()
    (ordered,) = box.orders(SetTime)
    box.accept(ordered)
    afterwards = api.ask("POST", path, SET_TIME, key="k")
    assert (afterwards.status, afterwards.json["state"]) == (200, "answered")
    assert afterwards.json["id"] == begun.json["id"]
    assert box.pump().orders(SetTime) == [ordered]


def test_a_command_that_comes_twice_at_once_reaches_the_charger_once(world: World) -> None:
    """The second is there before the first is written down: an impatient client's repetition."""
    box = world.box().connect()
    platform = world.platform
    written: list[Deferred[None]] = []

    def write_down(_decision: Decision) -> Deferred[None]:
        written.append(Deferred())
        return written[-1]

    commanding = Commanding(
        platform.chargers,
        platform.book,
        Calls(platform.routing, world.calendar, world.store.ids.next),
        world.calendar,
        write_down,
        platform.watching.write_down,
    )
    request = RequestKey(1, "k", "what it said")
    wanted = NewCommand(name="set_time")
    first, second = (
        Deferred.fromCoroutine(commanding.send(world.caller, box.id, wanted, request))
        for _ in range(2)
    )
    for each in written:
        each.callback(None)
    (sent, answered), (again, nothing) = result_of(first), result_of(second)
    assert again is sent
    assert nothing is None
    (ordered,) = box.pump().orders(SetTime)
    box.accept(ordered)
    assert result_of(answered) == Answer(True)


def test_a_key_for_another_command(world: World, api: Asking) -> None:
    """A key is for one request: another one under it is a mistake of the client."""
    box = world.box().connect()
    path = f"/chargers/{box.id}/commands"
    api.ask("POST", path, SET_TIME, key="k", prefer="respond-async")
    answer = api.ask("POST", path, {"name": "set_time", "port": 1}, key="k")
    assert (answer.status, answer.kind) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("name", ["stop", "set_time"])
def test_our_own_commands_take_no_arguments(world: World, api: Asking, name: str) -> None:
    """Whoever gives some would think that they did something."""
    box = world.box().connect()
    wanted = {"name": name, "port": 1, "args": {"gently": True}}
    answer = api.ask("POST", f"/chargers/{box.id}/commands", wanted)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["/args"]
