"""Operations on what another node holds: the same answers as at the node itself."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from chargecloud.domain.commands import (
    Answer,
    Locate,
    LockOutCharger,
    SetTime,
    StartCharge,
    StopCharge,
)
from chargecloud.routes import Method, Route
from tests.nodes.in_step import InStepWire, know_each_other
from tests.outage import Outage
from tests.world import Box, World

#: what differs between two answers that are the same
_OURS = {b"Date", b"Server", b"X-Request-Id"}


@define(eq=False)
class Pair:
    """A gateway that holds a charger with a running order, and another node that people ask."""

    gateway: World
    web: World
    wire: InStepWire
    box: Box
    idle: Box
    order_id: str
    customer: str

    @classmethod
    def on(cls, folder: Path) -> "Pair":
        """In a folder."""
        gateway = World(folder)
        web = World(folder, gateway.clock, slot=2)
        know_each_other(gateway, web)
        wire = InStepWire()
        for each in (gateway, web):
            wire.join(each.platform.post)
        site, customer = gateway.site(), gateway.customer(5000)
        box = gateway.box(site, ports=2).connect()
        idle = gateway.box(site, "EB-0002").connect()
        order = gateway.order(box, customer, prepaid_fen=300)
        box.begin()

        def report() -> None:
            box.report(6_000)
            idle.heartbeat()

        gateway.pass_time(600, report)
        return cls(gateway, web, wire, box, idle, order["id"], customer)

    def at(self, world: World, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask a node; chargers answer what they are asked meanwhile."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = world.begin(method, path, body, **given)
        for box in (self.box, self.idle):
            box.pump()
            for ordered in box.orders(Locate):
                box.heard.remove(ordered)
                box.accept(ordered, Answer(True))
        status, content, told = world.whole(asked)
        raw = {name: values for name, values in told.getAllRawHeaders() if name not in _OURS}
        return status, json.loads(content) if content else None, raw


@frozen
class Question:
    """
    One way to ask an operation.

    @ivar path: with C{CHARGER}, C{IDLE}, C{ORDER} and C{CUSTOMER} for theirs.
    @ivar changes: whether it may be asked once only.
    """

    operation: str
    path: str
    body: Any = None
    headers: Any = field(factory=dict)
    status: int = 200
    changes: bool = False


QUESTIONS = [
    Question("GET /chargers/{charger_id}", "/chargers/CHARGER"),
    Question("GET /chargers/{charger_id}", "/chargers/CHARGER", headers={"Accept-Language": "zh"}),
    Question("GET /chargers/{charger_id}/frames", "/chargers/CHARGER/frames?limit=3"),
    Question("GET /chargers/{charger_id}/frames", "/chargers/CHARGER/frames?limit=0", status=422),
    Question(
        "GET /chargers/{charger_id}/commands/{command_id}",
        "/chargers/CHARGER/commands/7",
        status=404,
    ),
    Question(
        "POST /chargers/{charger_id}/commands",
        "/chargers/IDLE/commands",
        {"name": "locate", "args": {"for_s": 5}},
        changes=True,
    ),
    Question(
        "POST /chargers/{charger_id}/commands",
        "/chargers/IDLE/commands",
        {"name": "locate", "args": {"for_s": 5}},
        {"Prefer": "respond-async"},
        202,
        changes=True,
    ),
    Question(
        "POST /chargers/{charger_id}/commands",
        "/chargers/IDLE/commands",
        {"name": "fly", "args": {}},
        status=409,
    ),
    Question("POST /chargers/{charger_id}/keys", "/chargers/IDLE/keys", changes=True),
    Question(
        "POST /orders",
        "/orders",
        {"charger_id": "IDLE", "port": 1, "customer_id": "CUSTOMER", "prepaid_fen": 100},
        status=201,
        changes=True,
    ),
    Question(
        "POST /payments",
        "/payments",
        {"channel": "none", "amount_fen": 500, "order": {"charger_id": "IDLE", "port": 1}},
        status=422,
    ),
    Question("POST /orders", "/orders", {"charger_id": "CHARGER", "port": 1}, status=409),
    Question("POST /orders", "/orders", {"charger_id": "CHARGER", "port": 9}, status=422),
    Question("POST /orders", "/orders", {"charger_id": "CHARGER"}, status=422),
    Question(
        "POST /orders",
        "/orders",
        {"charger_id": "CHARGER", "port": 1},
        {"Accept-Language": "zh"},
        409,
    ),
    Question("GET /orders/{order_id}", "/orders/ORDER"),
    Question("GET /orders/{order_id}", "/orders/1", status=404),
    Question("GET /orders/{order_id}", "/orders/none", status=404),
    Question("GET /orders/{order_id}/curve", "/orders/ORDER/curve"),
    Question("POST /orders/{order_id}/limits", "/orders/ORDER/limits", {"moon": 1}, status=422),
    Question(
        "POST /orders/{order_id}/resolve",
        "/orders/ORDER/resolve",
        {"action": "cancel", "reason": "x"},
        status=409,
    ),
    Question("POST /orders/{order_id}/stop", "/orders/1/stop", status=404),
]


def _put(pair: Pair, value: Any) -> Any:
    words = {
        "CHARGER": str(pair.box.id),
        "IDLE": str(pair.idle.id),
        "ORDER": pair.order_id,
        "CUSTOMER": pair.customer,
    }
    text = json.dumps(value)
    for word, by in words.items():
        text = text.replace(word, by)
    return json.loads(text)


def ask(pair: Pair, world: World, question: Question) -> Any:
    """Ask a question of the table."""
    path, body = _put(pair, question.path), _put(pair, question.body)
    method = question.operation.partition(" ")[0]
    return pair.at(world, method, path, body, **question.headers)


def _alike(answer: Any) -> Any:
    """An answer without what is new in each."""
    status, content, headers = answer
    if isinstance(content, dict):
        new = {"id", "created_at", "answered_at", "sent_at"}
        content = {name: value for name, value in content.items() if name not in new}
    return status, content, headers


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: f"{each.path}-{each.status}")
def test_the_same_answer_at_both(tmp_path: Path, question: Question) -> None:
    """Status, content, headers and problems; a change is asked of one platform here and of
    another there."""
    if question.changes:
        pairs = [Pair.on(tmp_path / name) for name in _folders(tmp_path)]
    else:
        pairs = [Pair.on(tmp_path)] * 2
    there, here = pairs
    forwarded = ask(there, there.web, question)
    own = ask(here, here.gateway, question)
    assert forwarded[0] == question.status
    if question.changes:
        assert _alike(forwarded)[0::2] == _alike(own)[0::2]
        assert _alike(forwarded)[1].keys() == _alike(own)[1].keys()
    else:
        assert forwarded == own


def _folders(folder: Path) -> Sequence[str]:
    for name in ("there", "here"):
        (folder / name).mkdir()
    return ("there", "here")


def test_the_table_has_all_operations(tmp_path: Path) -> None:
    """Each route that says who holds what it is about is asked at least once."""
    routes: Sequence[Route] = World(tmp_path).platform.routes
    held = {f"{each.method.value} {each.path}" for each in routes if each.held_by is not None}
    assert held == {question.operation for question in QUESTIONS}


def test_what_only_the_other_node_knows_is_shown(tmp_path: Path) -> None:
    """Live readings of the ports are in its memory alone."""
    pair = Pair.on(tmp_path)
    _, shown, headers = pair.at(pair.web, "GET", f"/chargers/{pair.box.id}")
    assert shown["port_states"][0]["power_w"] == 200
    assert shown["port_states"][0]["order_id"] == pair.order_id
    assert headers[b"ETag"] == [b'"1"']


def test_a_charge_from_start_to_bill_at_another_node(tmp_path: Path) -> None:
    """Placed with a key and placed again, stopped, billed: nothing of it happens twice."""
    pair = Pair.on(tmp_path)
    body = {"charger_id": str(pair.idle.id), "port": 1, "customer_id": pair.customer}
    key = {"Idempotency_Key": "k1"}
    status, made, _ = pair.at(pair.web, "POST", "/orders", body, **key)
    assert status == 201
    for world in (pair.web, pair.gateway, pair.web):
        assert pair.at(world, "POST", "/orders", body, **key)[:2] == (201, made)
    other = body | {"port": 2}
    assert pair.at(pair.web, "POST", "/orders", other, **key)[0] == 422
    assert len(pair.idle.orders(StartCharge)) == 1
    started = pair.idle.begin()
    assert str(started.order_id) == made["id"]

    asked = pair.web.begin("POST", f"/orders/{made['id']}/stop")
    pair.idle.pump()
    pair.idle.accept(pair.idle.stops()[0])
    assert pair.web.whole(asked)[0] == 200
    pair.gateway.pass_time(600, lambda: pair.idle.report(6_000))
    pair.idle.end(2, started.order_id, 5_000_000, 600)
    assert pair.web.get(f"/orders/{made['id']}")["state"] == "settled"


def test_a_command_of_the_web_world_reaches_the_charger(tmp_path: Path) -> None:
    """What is sent through routing, from a node that does not hold it."""
    pair = Pair.on(tmp_path)
    answered = pair.web.platform.routing.send(pair.box.id, Locate(for_s=3))
    pair.box.pump()
    (ordered,) = pair.box.orders(Locate)
    pair.box.accept(ordered, Answer(True, "ok", {"n": 1}))
    assert answered.called
    pair.web.platform.routing.hang_up(pair.box.id)
    assert pair.box.transport.disconnecting


def test_moved_displaces_the_old_connection(tmp_path: Path) -> None:
    """A charger that logs in at another node has no connection left where it was."""
    pair = Pair.on(tmp_path)
    old = pair.box.transport
    pair.box.world = pair.web
    pair.box.connect()
    assert old.disconnecting
    assert not pair.box.transport.disconnecting
    assert pair.gateway.platform.book.on_port(pair.box.id, 1) is None
    assert pair.web.platform.book.on_port(pair.box.id, 1) is not None
    _, shown, _ = pair.at(pair.gateway, "GET", f"/chargers/{pair.box.id}")
    assert shown["online"] is True


@pytest.mark.parametrize(
    "question",
    [each for each in QUESTIONS if each.status < 400],
    ids=lambda each: f"{each.operation}-{each.status}",
)
def test_with_the_wire_cut(tmp_path: Path, question: Question) -> None:
    """What is written down can be looked at; all else is to be tried again later, and nothing
    was done."""
    pair = Pair.on(tmp_path)
    pair.wire.is_cut = True
    status, content, headers = ask(pair, pair.web, question)
    if question.operation.startswith(Method.GET.value):
        assert status == 200
        assert content
        return
    assert (status, content["type"]) == (503, "/problems/nodes-apart")
    assert int(headers[b"Retry-After"][0]) > 0
    assert pair.idle.orders(StartCharge) == []


def test_a_tenant_sees_no_more_through_another_node(tmp_path: Path) -> None:
    """The node that is asked knows who asks, and the one that answers is told."""
    pair = Pair.on(tmp_path)
    pair.web.caller = type(pair.web.caller)(7, 4711, frozenset({"*"}))
    for path in (f"/chargers/{pair.box.id}", f"/orders/{pair.order_id}"):
        assert pair.at(pair.web, "GET", path)[0] == 404
    pair.web.caller = type(pair.web.caller)(7, None, frozenset({"sites:read"}))
    said = len(pair.wire.said)
    assert pair.at(pair.web, "GET", f"/orders/{pair.order_id}")[0] == 403
    assert len(pair.wire.said) == said


def test_a_charger_that_answers_late(tmp_path: Path) -> None:
    """The other node's deadline is told in its words, and not as if it was apart."""
    pair = Pair.on(tmp_path)
    asked: Deferred[Any] = pair.web.begin("POST", f"/orders/{pair.order_id}/stop")
    pair.gateway.clock.advance(16)
    status, content, _ = pair.web.whole(asked)
    assert (status, json.loads(content)["type"]) == (504, "/problems/command-timed-out")


def test_a_node_that_goes_while_it_is_asked(tmp_path: Path) -> None:
    """Nobody waits for ever: after a stated time it is apart."""
    pair = Pair.on(tmp_path)
    asked = pair.web.begin("POST", f"/orders/{pair.order_id}/stop")
    pair.wire.is_cut = True
    pair.gateway.clock.advance(60)
    status, content, _ = pair.web.whole(asked)
    assert (status, json.loads(content)["type"]) == (503, "/problems/nodes-apart")


def test_a_command_to_many_is_sent_by_the_nodes_that_hold_them(tmp_path: Path) -> None:
    """Some are here, some at another node and one is nowhere: each is told in the order asked, a
    charge is stopped where it is known, and each command can be looked up."""
    pair = Pair.on(tmp_path)
    near = pair.web.box(identity="EB-0003").connect()
    ids = [str(near.id), str(pair.box.id), "1", str(pair.idle.id)]
    body = {"charger_ids": ids, "name": "set_time"}
    key = {"Idempotency_Key": "k1"}
    for world in (pair.web, pair.gateway, pair.web):
        status, shown, _ = pair.at(world, "POST", "/chargers/commands", body, **key)
        assert (status, shown["sent"], shown["refused"]) == (202, 3, 1)
        assert [each["charger_id"] for each in shown["chargers"]] == ids
        assert shown["chargers"][2]["problem"] == "/problems/not-found"
    assert [len(box.pump().orders(SetTime)) for box in (near, pair.box, pair.idle)] == [1, 1, 1]
    for each in shown["chargers"]:
        if each["command"] is not None:
            path = f"/chargers/{each['charger_id']}/commands/{each['command']['id']}"
            for world in (pair.web, pair.gateway):
                assert world.get(path)["name"] == "set_time"

    stop = {"charger_ids": [str(pair.box.id)], "name": "stop", "port": 1}
    _, shown, _ = pair.at(pair.web, "POST", "/chargers/commands", stop)
    assert shown["sent"] == 1
    (ordered,) = pair.box.stops()
    assert ordered.command == StopCharge(int(pair.order_id), 1)


def test_a_command_to_many_with_the_wire_cut(tmp_path: Path) -> None:
    """Those of this node get it; of the others it is said that they did not."""
    pair = Pair.on(tmp_path)
    near = pair.web.box(identity="EB-0003").connect()
    pair.wire.is_cut = True
    body = {"charger_ids": [str(pair.box.id), str(near.id)], "name": "set_time"}
    _, shown, _ = pair.at(pair.web, "POST", "/chargers/commands", body)
    problems = [each["problem"] for each in shown["chargers"]]
    assert problems == ["/problems/nodes-apart", None]
    assert len(near.pump().orders(SetTime)) == 1
    assert pair.box.orders(SetTime) == []


def test_a_command_to_many_says_who_asked(tmp_path: Path) -> None:
    """Another tenant's chargers are not there, and a right of its own is asked for, at any node."""
    pair = Pair.on(tmp_path)
    body: dict[str, Any] = {"charger_ids": [str(pair.box.id)], "name": "set_time"}
    pair.web.caller = type(pair.web.caller)(7, 4711, frozenset({"*"}))
    _, shown, _ = pair.at(pair.web, "POST", "/chargers/commands", body)
    assert [each["problem"] for each in shown["chargers"]] == ["/problems/not-found"]
    pair.web.caller = type(pair.web.caller)(7, None, frozenset({"chargers:command"}))
    body |= {"name": "lift_lock_out", "args": {"fire": True}}
    _, shown, _ = pair.at(pair.web, "POST", "/chargers/commands", body)
    assert [each["problem"] for each in shown["chargers"]] == ["/problems/not-permitted"]
    assert pair.box.pump().orders(LockOutCharger) == []


def test_a_stop_of_many_while_the_database_is_away(tmp_path: Path) -> None:
    """Nobody knows which node holds which: what charges at the one that is asked is stopped."""
    pair = Pair.on(tmp_path)
    outage = Outage(pair.gateway.store.engine)
    outage.is_away = True
    ids = [str(pair.box.id), str(pair.idle.id)]
    body = {"charger_ids": ids, "name": "stop", "port": 1}
    _, shown, _ = pair.at(pair.gateway, "POST", "/chargers/commands", body)
    problems = [each["problem"] for each in shown["chargers"]]
    assert problems == [None, "/problems/overloaded"]
    assert len(pair.box.stops()) == 1
