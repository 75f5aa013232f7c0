"""The platform's own commands: what each takes, what goes down, and who may."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    ComeBack,
    Command,
    GoTo,
    Locate,
    LockOutCharger,
    Phrase,
    Price,
    Query,
    Question,
    Reboot,
    Say,
    SetParameters,
    ShowPrices,
    ShowText,
)
from chargecloud.domain.parameters import BOUNDS, Parameter
from chargecloud.web.resources.own_commands import OWN_COMMANDS
from tests.web.resources.asking import Asking
from tests.world import World

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)

#: each command with arguments, and what the charger receives
SENT: list[tuple[dict[str, Any], Command]] = [
    ({"name": "reboot"}, Reboot(when_idle=True)),
    ({"name": "reboot", "args": {"when_idle": False}}, Reboot(when_idle=False)),
    ({"name": "locate", "args": {"for_s": 60}}, Locate(60)),
    ({"name": "query", "args": {"question": "parameters"}}, Query(Question.PARAMETERS)),
    ({"name": "lock_out"}, LockOutCharger(LockOut.OPERATOR)),
    ({"name": "lock_out", "port": 1}, LockOutCharger(LockOut.OPERATOR, 1)),
    ({"name": "lift_lock_out", "port": 1}, LockOutCharger(LockOut.NONE, 1)),
    (
        {"name": "lift_lock_out", "args": {"fire": True}},
        LockOutCharger(LockOut.NONE, lifts_fire=True),
    ),
    (
        {
            "name": "show_prices",
            "args": {"prices": [{"until": NOON.isoformat(), "millifen_per_kwh": 80_000}]},
        },
        ShowPrices((Price(int(NOON.timestamp()), 80_000),)),
    ),
    ({"name": "show_text", "args": {"text": "暂停服务", "for_s": 60}}, ShowText("暂停服务", 60)),
    ({"name": "show_text"}, ShowText("")),
    ({"name": "say", "port": 1, "args": {"phrase": "unplug"}}, Say(Phrase.UNPLUG, port=1)),
    ({"name": "come_back", "args": {"after_s": 30}}, ComeBack(30)),
    (
        {"name": "go_to", "args": {"host": "cloud2.example.com", "port": 9010, "tries": 5}},
        GoTo("cloud2.example.com", 9010, tries=5),
    ),
    (
        {"name": "set_parameters", "args": {"report_s": 30, "resumes": 0}},
        SetParameters({Parameter.REPORT_S: 30, Parameter.RESUMES: 0}),
    ),
]


def test_every_own_command_is_tried() -> None:
    """Whoever adds one says here what goes down."""
    assert {body["name"] for body, _command in SENT} == {*OWN_COMMANDS, "set_parameters"}


@pytest.mark.parametrize(("body", "command"), SENT)
def test_a_command_reaches_the_charger(
    world: World, api: Asking, body: dict[str, Any], command: Command
) -> None:
    """As the dialect says it, and its answer comes back."""
    box = world.box().connect()
    asked = api.begin("POST", f"/chargers/{box.id}/commands", body)
    box.pump()
    (ordered,) = box.orders(type(command))
    assert ordered.command == command
    box.accept(ordered, Answer(False, "charging"))
    answer = asked.answer()
    assert (answer.status, answer.json["accepted"], answer.json["code"]) == (200, False, "charging")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "locate", "args": {"for_s": -1}}, "/args/for_s"),
        ({"name": "reboot", "args": {"gently": True}}, "/args/gently"),
        ({"name": "query", "args": {}}, "/args/question"),
        ({"name": "go_to", "args": {"host": "x", "port": 0, "tries": 1}}, "/args/port"),
        ({"name": "say"}, "/args"),
        ({"name": "show_prices", "args": {"prices": []}}, "/args"),
        ({"name": "set_parameters", "args": {"report_s": 5}}, "/args/report_s"),
        ({"name": "set_parameters", "args": {"report_s": True}}, "/args/report_s"),
        ({"name": "set_parameters", "args": {"speed": 5}}, "/args/speed"),
        ({"name": "set_parameters"}, "/args"),
    ],
)
def test_a_wrong_argument_is_named(
    world: World, api: Asking, body: dict[str, Any], pointer: str
) -> None:
    """And the charger hears nothing."""
    box = world.box().connect()
    answer = api.ask("POST", f"/chargers/{box.id}/commands", body)
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]
    assert box.pump().orders(object) == []


@pytest.mark.parametrize("parameter", Parameter)
def test_every_parameter_has_bounds_that_are_held(
    world: World, api: Asking, parameter: Parameter
) -> None:
    """Both ends are good, and one beyond either is not."""
    box = world.box().connect()
    path, bounds = f"/chargers/{box.id}/commands", BOUNDS[parameter]
    for value in (bounds.least - 1, bounds.most + 1):
        wanted = {"name": "set_parameters", "args": {parameter.value: value}}
        assert api.ask("POST", path, wanted).status == 422
    for value in (bounds.least, bounds.most):
        wanted = {"name": "set_parameters", "args": {parameter.value: value}}
        assert api.ask("POST", path, wanted, prefer="respond-async").status == 202
    given = [each.command for each in box.pump().orders(SetParameters)]
    assert given == [
        SetParameters({parameter: bounds.least}),
        SetParameters({parameter: bounds.most}),
    ]


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("operator", {"name": "lift_lock_out"}, 202),
        ("operator", {"name": "lift_lock_out", "args": {"fire": True}}, 403),
        ("fire warden", {"name": "lift_lock_out", "args": {"fire": True}}, 202),
        ("administrator", {"name": "lift_lock_out", "args": {"fire": True}}, 202),
        ("operator", {"name": "go_to", "args": {"host": "x", "port": 1, "tries": 1}}, 403),
        ("fire warden", {"name": "go_to", "args": {"host": "x", "port": 1, "tries": 1}}, 403),
        ("viewer", {"name": "locate"}, 403),
    ],
)
def test_a_fire_lock_out_and_the_way_home_need_a_right_of_their_own(
    world: World, api: Asking, role: str, body: dict[str, Any], status: int
) -> None:
    """An operator's token lifts no lock-out by fire, and moves no charger elsewhere."""
    box = world.box().connect()
    tenant_id = world.get(f"/chargers/{box.id}")["tenant_id"]
    token = api.token(tenant_id, role)
    answer = api.ask(
        "POST", f"/chargers/{box.id}/commands", body, token=token, prefer="respond-async"
    )
    assert answer.status == status
    assert (box.pump().orders(object) == []) == (status == 403)


def test_who_commanded_what_is_written_down_first(world: World, api: Asking) -> None:
    """In the event log, with the token."""
    box = world.box().connect()
    api.ask(
        "POST",
        f"/chargers/{box.id}/commands",
        {"name": "lock_out", "port": 1},
        prefer="respond-async",
    )
    (body,) = world.logged("charger.commanded")
    assert (body["name"], body["port"]) == ("lock_out", 1)
    assert set(body) == {"name", "port", "args", "by"}
