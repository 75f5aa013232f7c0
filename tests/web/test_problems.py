"""What refusals look like to an HTTP client."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chargecloud.domain import errors
from chargecloud.domain.charger import PortState
from chargecloud.domain.errors import Conflict, Refusal
from chargecloud.web import problems
from chargecloud.web.problems import KINDS, Language


def told(refusal: Refusal, language: Language = Language.EN) -> dict[str, Any]:
    """A refusal as a client reads it."""
    problem: dict[str, Any] = json.loads(problems.write(refusal, "/api/v1/x", language))
    return problem


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (errors.NotFound, 404),
        (errors.Invalid, 422),
        (errors.TariffError, 422),
        (errors.RequestKeyReused, 422),
        (errors.Conflict, 409),
        (errors.AlreadyExists, 409),
        (errors.PortBusy, 409),
        (errors.InsufficientFunds, 409),
        (errors.ChargerOffline, 409),
        (errors.CommandTimedOut, 504),
        (errors.Overloaded, 503),
        (problems.BadRequest, 400),
        (problems.NotAuthenticated, 401),
        (problems.NotPermitted, 403),
        (problems.BodyTooLarge, 413),
        (problems.NotJson, 415),
        (problems.Fault, 500),
    ],
)
def test_statuses(refusal: type[Refusal], status: int) -> None:
    """Status and type of each refusal are the contract."""
    problem = told(refusal("why"))
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{refusal.code}"
    assert problem["detail"] == "why"
    assert problem["instance"] == "/api/v1/x"


def test_every_refusal_of_the_domain_has_a_kind_of_its_own() -> None:
    """No refusal of ours is left to its ancestor's words, and no two share a code."""
    ours = {each for each in vars(errors).values() if _is_refusal(each)}
    assert ours <= KINDS.keys()
    assert len({each.code for each in KINDS}) == len(KINDS)


def _is_refusal(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Refusal)


def test_languages() -> None:
    """Every title is there in both languages."""
    assert told(errors.PortBusy("x"), Language.EN)["title"] == "Port in use"
    assert told(errors.PortBusy("x"), Language.ZH)["title"] == "充电口使用中"
    assert all(kind.en and kind.zh and kind.en != kind.zh for kind in KINDS.values())


def test_a_plugins_refusal() -> None:
    """A refusal that we do not know has its own type, and the status of its family."""

    class CardLocked(Conflict):
        code = "acme-card-locked"

    problem = told(CardLocked("the card is locked"))
    assert (problem["type"], problem["status"]) == ("/problems/acme-card-locked", 409)


def test_facts_beside() -> None:
    """Facts are members of the problem, ids are strings there, and none hides a standard one."""
    problem = told(
        errors.PortBusy("busy", order_id=2**60, port=2, charger_id=None, status=1, type="x")
    )
    assert problem["order_id"] == str(2**60)
    assert problem["port"] == 2
    assert problem["charger_id"] is None
    assert problem["status"] == 409
    assert problem["type"] == "/problems/port-busy"


def test_any_fact_can_be_told() -> None:
    """A fact of whatever type does not turn a refusal into a fault."""
    facts = {
        "state": PortState.UNKNOWN,
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "ports": (1, 2),
        "price": Decimal("1.5"),
        "text": "half \ud800",
    }
    problem = told(Conflict("x", **facts))
    assert problem["state"] == PortState.UNKNOWN.value
    assert problem["at"] == "2026-03-01T00:00:00+00:00"
    assert problem["ports"] == [1, 2]
    assert problem["price"] == "1.5"
    assert problem["text"] == "half ?"


def test_headers() -> None:
    """The headers that HTTP wants beside three of the statuses."""
    assert problems.headers(problems.NotAuthenticated("x")) == {"WWW-Authenticate": "Bearer"}
    assert problems.headers(problems.NoSuchMethod("x", ["GET", "POST"])) == {"Allow": "GET, POST"}
    assert int(problems.headers(errors.Overloaded("x"))["Retry-After"]) > 0
    assert problems.headers(Conflict("x")) == {}
