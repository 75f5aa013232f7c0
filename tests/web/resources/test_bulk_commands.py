"""One command to many chargers."""

from typing import Any

from chargecloud.domain.commands import SetTime
from tests.web.resources.asking import Asking
from tests.world import World


def sent(api: Asking, body: dict[str, Any], **more: Any) -> Any:
    """What is told of a command to many."""
    answer = api.ask("POST", "/chargers/commands", body, **more)
    assert answer.status == 202, answer
    return answer.json


def test_all_of_a_site(world: World, api: Asking) -> None:
    """Who is away is told apart; what each answered can be looked up."""
    site_id = world.site()
    near, away = world.box(site_id).connect(), world.box(site_id, identity="EB-0002")
    told = sent(api, {"site_id": site_id, "name": "set_time"})
    assert (told["sent"], told["refused"]) == (1, 1)
    problems = {each["charger_id"]: each["problem"] for each in told["chargers"]}
    assert problems == {str(near.id): None, str(away.id): "/problems/charger-offline"}
    (ordered,) = near.pump().orders(SetTime)
    near.accept(ordered)
    command_id = told["chargers"][0]["command"]["id"]
    found = api.found(f"/chargers/{near.id}/commands/{command_id}")
    assert (found["state"], found["accepted"]) == ("answered", True)


def test_those_that_are_named(world: World, api: Asking) -> None:
    """Each once, and one that there is none of keeps it from nobody else."""
    box = world.box(world.site()).connect()
    told = sent(api, {"charger_ids": [str(box.id), str(box.id), "7"], "name": "set_time"})
    assert [each["problem"] for each in told["chargers"]] == [None, "/problems/not-found"]
    assert len(box.pump().orders(SetTime)) == 1


def test_a_request_that_is_sent_again(world: World, api: Asking) -> None:
    """It moves no charger twice."""
    box = world.box(world.site()).connect()
    body = {"charger_ids": [str(box.id)], "name": "set_time"}
    first = sent(api, body, key="k")
    again = sent(api, body, key="k")
    assert [each["command"]["id"] for each in first["chargers"]] == [
        each["command"]["id"] for each in again["chargers"]
    ]
    assert len(box.pump().orders(SetTime)) == 1


def test_what_is_out_of_service_is_not_meant_by_its_site(world: World, api: Asking) -> None:
    """It still can be named."""
    site_id = world.site()
    box = world.box(site_id).connect()
    api.ask("PATCH", f"/chargers/{box.id}", {"status": "out_of_service"})
    assert sent(api, {"site_id": site_id, "name": "set_time"})["chargers"] == []
    assert sent(api, {"charger_ids": [str(box.id)], "name": "set_time"})["sent"] == 1


def test_who_is_meant_must_be_said(world: World, api: Asking) -> None:
    """By one of the two, and not by both; and not too many."""
    wrong: list[dict[str, Any]] = [
        {},
        {"site_id": world.site(), "charger_ids": ["1"]},
        {"charger_ids": []},
        {"charger_ids": [str(number) for number in range(501)]},
    ]
    for who in wrong:
        answer = api.ask("POST", "/chargers/commands", {"name": "set_time"} | who)
        assert answer.status == 422
