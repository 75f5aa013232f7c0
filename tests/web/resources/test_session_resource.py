"""C{/sessions}"""

from typing import Any

import pytest

from chargecloud.registry import users
from chargecloud.registry.tokens import PLATFORM
from chargecloud.registry.users import FREE_TRIES, SESSION, create_user
from tests.harness import NOW, result_of
from tests.web.resources.asking import Answer, Asking
from tests.world import World

PASSWORD = "correct horse"


@pytest.fixture
def li(world: World) -> str:
    """Somebody who may sign in, and read sites."""
    permissions = ["sites:read", "sessions:end"]

    def make(connection: Any) -> None:
        create_user(connection, 1, PLATFORM, "li", PASSWORD, permissions, NOW)

    result_of(world.store.writer.transact(make))
    return "li"


def sign_in(api: Asking, name: str, password: str) -> Answer:
    """Try to."""
    return api.ask("POST", "/sessions", {"name": name, "password": password}, token="none")


def test_a_session_has_an_end(world: World, api: Asking, li: str) -> None:
    """By true time; until then it allows what the user may do."""
    made = sign_in(api, li, PASSWORD)
    assert (made.status, made.json["permissions"]) == (200, ["sites:read", "sessions:end"])
    token = made.json["token"]
    assert api.ask("GET", "/sites", token=token).status == 200
    assert api.ask("GET", "/orders", token=token).status == 403
    world.clock.advance(SESSION.total_seconds() - 1)
    assert api.ask("GET", "/sites", token=token).status == 200
    world.clock.advance(1)
    assert api.ask("GET", "/sites", token=token).status == 401


def test_signing_out(api: Asking, li: str) -> None:
    """The token is worth nothing at the next request, and the others of the user go on."""
    one, other = (sign_in(api, li, PASSWORD).json["token"] for _ in range(2))
    assert api.ask("DELETE", "/sessions", token=one).status == 204
    assert api.ask("GET", "/sites", token=one).status == 401
    assert api.ask("GET", "/sites", token=other).status == 200


def test_the_token_of_the_environment_stays(api: Asking) -> None:
    """It is no session."""
    assert api.ask("DELETE", "/sessions").status == 404


def test_a_wrong_name_is_no_other_answer_than_a_wrong_password(api: Asking, li: str) -> None:
    """Nobody learns who there is."""
    wrong, nobody = sign_in(api, li, "incorrect horse"), sign_in(api, "nobody", PASSWORD)
    assert (wrong.status, wrong.kind) == (401, "wrong-password")
    assert wrong.json == nobody.json


def test_guessing_is_slowed(
    world: World, api: Asking, li: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some wrong passwords a name waits, longer each time; even the right one does; and
    other names do not."""
    monkeypatch.setattr(users, "is_password", lambda given, _kept: given == PASSWORD)
    for _ in range(FREE_TRIES):
        assert sign_in(api, li, "wrong").status == 401
    waits = []
    for _ in range(4):
        refused = sign_in(api, li, PASSWORD)
        assert (refused.status, refused.kind) == (429, "too-many-tries")
        waits.append(refused.json["retry_s"])
        world.clock.advance(refused.json["retry_s"])
        assert sign_in(api, li, "wrong").status == 401
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert sign_in(api, "other", "wrong").status == 401
    world.clock.advance(3_600)
    assert sign_in(api, li, PASSWORD).status == 200
