"""C{/sites/{site_id}/cut-off}"""

from typing import Any

import pytest

from chargecloud.storage.schema import event_log
from tests.harness import rows_of
from tests.web.resources.asking import Asking
from tests.world import World


def test_a_site_has_the_usual_rules_until_it_says_otherwise(world: World, api: Asking) -> None:
    """For each kind of charger, all of them; what is not said stays usual."""
    path = f"/sites/{world.site()}/cut-off"
    usual = api.found(path)
    assert set(usual) == {"ebike", "etrike", "ac", "dc"}
    assert (usual["ebike"]["full_w"], usual["ebike"]["float_hold_s"]) == (20, 3600)
    put = api.ask("PUT", f"{path}/ebike", {"full_w": 35, "float_hold_s": 0})
    assert put.json == usual["ebike"] | {"full_w": 35, "float_hold_s": 0}
    assert api.found(path) == usual | {"ebike": put.json}
    other = api.found(f"/sites/{world.site()}/cut-off")
    assert other == usual


def test_rules_are_replaced_and_taken_back(world: World, api: Asking) -> None:
    """What is put is all that differs; each change is in the log."""
    path = f"/sites/{world.site()}/cut-off"
    usual = api.found(path)
    api.ask("PUT", f"{path}/dc", {"full_w": 500})
    assert api.ask("PUT", f"{path}/dc", {"no_load_dw": 99}).json == (
        usual["dc"] | {"no_load_dw": 99}
    )
    assert api.ask("PUT", f"{path}/dc", {}).json == usual["dc"]
    assert api.found(path) == usual
    logged = [
        row["body"]["rules"]
        for row in rows_of(world.store, event_log)
        if row["kind"] == "site.cut_off_changed"
    ]
    assert logged == [{"full_w": 500}, {"no_load_dw": 99}, {}]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("ebike", {"full_w": 0}, 422),
        ("ebike", {"plateau_percent": 91}, 422),
        ("ebike", {"full_w": "much"}, 422),
        ("ebike", {"full": 5}, 422),
        ("ship", {"full_w": 5}, 404),
    ],
)
def test_wrong_rules_change_nothing(
    world: World, api: Asking, kind: str, body: dict[str, Any], status: int
) -> None:
    """A rule that nobody could charge by is refused."""
    path = f"/sites/{world.site()}/cut-off"
    usual = api.found(path)
    assert api.ask("PUT", f"{path}/{kind}", body).status == status
    assert api.found(path) == usual


def test_a_site_that_there_is_not(world: World, api: Asking) -> None:
    """Has no rules, and gets none."""
    assert api.ask("GET", "/sites/99/cut-off").status == 404
    assert api.ask("PUT", "/sites/99/cut-off/ebike", {"full_w": 5}).status == 404
