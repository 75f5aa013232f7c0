"""What operators read of an order's life is what the code does: the document and the drawing."""

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from attrs import fields

from chargecloud.charging.disputes import MOST_OPEN as MOST_DISPUTES
from chargecloud.charging.resolving import ResolveAction
from chargecloud.charging.settings import ChargingSettings, CutOffs
from chargecloud.charging.unmatched import MOST_OPEN as MOST_UNMATCHED
from chargecloud.charging.watchdog import PATIENCE_S, ROUND_S, ROUNDS_BETWEEN_HOLDS
from chargecloud.config import NodeSettings
from chargecloud.dialects.native.codes import ANSWER_CODES, CARD_CODES
from chargecloud.domain.charger import FIRST_YEAR, ChargerKind
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.domain.order import TRANSITIONS
from chargecloud.domain.order_value import Abnormality, OrderState, Origin
from chargecloud.domain.plausible import (
    LEAST_DRAWN_MWH,
    LEAST_SHARE_PERCENT,
    TOLERANCE_PERCENT,
    TOLERANCE_S,
)
from chargecloud.domain.saving import ASSUMED_STAY_S, MOST_STAY_S, SPREAD_PERCENT
from chargecloud.domain.units import HOUR, MWH_PER_WH
from chargecloud.registry.cards import CardStatus
from chargecloud.registry.tokens import ROLES
from chargecloud.web.resources.order_questions import DisputeAction, RecordAction
from docs.draw_order_life import FILE, PLACES, drawing, labels, words
from tests.world import World

CHECKOUT = Path(__file__).parents[1]
DOCUMENT = (CHECKOUT / "docs" / "orders.rst").read_text(encoding="utf-8")
#: as one line, in which no sentence is broken
FLOWING = " ".join(DOCUMENT.split())
CHARGING = CHECKOUT / "chargecloud" / "charging"
DOMAIN = CHECKOUT / "chargecloud" / "domain"


def table_below(heading: str) -> str:
    """The first table of a section."""
    assert DOCUMENT.count(f"\n{heading}\n") == 1, heading
    return re.split(r"\n(?==)", DOCUMENT.split(f"\n{heading}\n")[1])[2]


def first_words(heading: str) -> list[str]:
    """What stands in the first column of a section's first table."""
    return re.findall(r"^``([^`]+)``", table_below(heading), re.MULTILINE)


def texts_in(path: Path) -> Iterator[str]:
    """All texts in a module that are neither parts of others nor documentation."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def said_by(*paths: Path, form: str) -> set[str]:
    """The texts of such a form in some modules."""
    return {text for path in paths for text in texts_in(path) if re.fullmatch(form, text)}


# ---------------------------------------------------------------------------- the drawing


def test_the_picture_is_what_the_table_draws() -> None:
    """To draw it anew: python -m docs.draw_order_life."""
    assert FILE.read_text(encoding="utf-8") == drawing()


def test_the_picture_has_every_state_and_every_step() -> None:
    """No state is left out, none is drawn over another, and no step is forgotten."""
    assert set(PLACES) == set(OrderState)
    assert len(set(PLACES.values())) == len(PLACES)
    drawn = [(way, name) for way, names in labels().items() for name in names]
    table = [
        ((before, after), words(occurrence.__name__))
        for (before, occurrence), (_action, after) in TRANSITIONS.items()
    ]
    assert sorted(drawn, key=repr) == sorted(table, key=repr)
    assert all(f">{name}</text>" in drawing() for _way, name in drawn)


# -------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("heading", "stated"),
    [
        ("States, and where the money is", {state.value for state in OrderState}),
        ("Over, and no record", {each.value for each in Abnormality}),
        ("Cards", set(CARD_CODES.values())),
        ("Why it ended", {reason.value for reason in StopReason}),
    ],
)
def test_tables_have_every_word_and_no_other(heading: str, stated: set[str]) -> None:
    """What is listed in the code is what is explained, each once."""
    found = first_words(heading)
    assert set(found) == stated
    assert len(found) == len(stated)


#: answers that no start is given
OF_OTHER_COMMANDS = {
    "charging",
    "other-version",
    "bad-signature",
    "other-hardware",
    "older",
}


@pytest.mark.parametrize(
    "word",
    sorted(
        {word for word in ANSWER_CODES.values() if word != "ok"} - OF_OTHER_COMMANDS
        | {
            each.value
            for kind in (Origin, CardStatus, ResolveAction, DisputeAction, RecordAction)
            for each in kind
        }
        # doubts, rules, failures and reasons: whatever may be said of an order
        | said_by(
            # what is said of chargers is not of this document
            *(
                path
                for path in CHARGING.glob("*.py")
                if path.name not in ("facts.py", "card_lists.py")
            ),
            DOMAIN / "plausible.py",
            DOMAIN / "order.py",
            form=r"[a-z]+(-[a-z]+)+",
        )
        # why a record matches no order
        | said_by(
            CHARGING / "records.py",
            CHARGING / "offline.py",
            form=r"no [a-z]+ there|no such [a-z]+|[a-z]+ otherwise",
        )
        # what stands in the log of an order
        | said_by(
            *CHARGING.glob("*.py"),
            DOMAIN / "order.py",
            form=r"(order|record|dispute|alarm)\.[a-z_]+",
        )
        | {"dispute.kept", "dispute.corrected", "record.settled", "record.dismissed"}
    ),
)
def test_every_word_is_explained(word: str) -> None:
    """Whatever an operator may see of an order stands in the document."""
    assert f"``{word}``" in DOCUMENT


def test_the_words_are_found_where_they_are_said() -> None:
    """The code is searched for words as it says them now: if it comes to say them in
    another way, the search has to follow."""
    doubts = said_by(DOMAIN / "plausible.py", form=r"[a-z]+(-[a-z]+)+")
    assert {"no-start-meter", "meter-stood-still", "register-before"} <= doubts
    whys = said_by(CHARGING / "records.py", form=r"no such [a-z]+|[a-z]+ otherwise")
    assert whys == {"no such order", "started otherwise"}
    closing = said_by(CHARGING / "watchdog.py", form=r"[a-z]+(-[a-z]+)+")
    assert {"charger-stays-away", "forgotten-by-its-charger", "link-lost"} <= closing


def test_whoever_may_decide_is_named() -> None:
    """The roles that hold C{orders:resolve}."""
    may = {
        role
        for role, permissions in ROLES.items()
        if {"*", "orders:*", "orders:resolve"} & set(permissions)
    }
    assert may == {"operator", "administrator"}
    assert (
        "``orders:resolve``, which the roles ``operator`` and ``administrator`` have and"
        " ``viewer`` has not" in FLOWING
    )


# ------------------------------------------------------------------- routes and figures


def test_routes_and_permissions_agree(tmp_path: Path) -> None:
    """Every route of orders, of cards and of the cut-off is in the table, and each of the
    table is served."""
    row = r"^``(GET|POST|PUT|PATCH|DELETE) (/\S+)`` +``([a-z]+:[a-z]+)``"
    named = re.findall(row, table_below("Routes"), re.MULTILINE)
    served = [
        (route.method.value, route.path, route.permission)
        for route in World(tmp_path).platform.routes
        if route.path.startswith(("/orders", "/cards")) or "/cut-off" in route.path
    ]
    assert sorted(named) == sorted(served)


def plain(value: object) -> object:
    """As the configuration has it."""
    return value.value if isinstance(value, Enum) else value


def test_settings_and_their_defaults_agree() -> None:
    """Those of the room, each once."""
    rows = re.findall(r"^``(\w+)`` +(\w+) ", table_below("Settings"), re.MULTILINE)
    defaults = ChargingSettings()
    assert rows == [
        (setting.name, str(plain(getattr(defaults, setting.name))))
        for setting in fields(ChargingSettings)
        if setting.name != "cut_off"
    ]


def test_cut_off_rules_and_their_defaults_agree() -> None:
    """For each kind of charger, in the order of the table."""
    heads = re.findall(r"^setting +(\w+) +(\w+) +(\w+) +(\w+)$", DOCUMENT, re.MULTILINE)
    assert heads == [tuple(kind.value for kind in ChargerKind)]
    table = table_below("Full is not unplugged")
    rows = re.findall(r"^``(\w+)`` +(\d+) +(\d+) +(\d+) +(\d+)$", table, re.MULTILINE)
    rules = CutOffs().by_kind
    assert [(name, *map(int, values)) for name, *values in rows] == [
        (rule.name, *(getattr(rules[kind], rule.name) for kind in ChargerKind))
        for rule in fields(CutOff)
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        f"({TOLERANCE_PERCENT} % and {TOLERANCE_S} s are let pass)",
        f"gives in that time and {TOLERANCE_S} s, and {TOLERANCE_PERCENT} % more",
        f"come to {LEAST_DRAWN_MWH // MWH_PER_WH} Wh or more, and the meter to less than"
        f" {LEAST_SHARE_PERCENT} % of that",
        f"range is {SPREAD_PERCENT} % either way",
        f"{ASSUMED_STAY_S // HOUR} hours are assumed, and the range is from none to"
        f" {MOST_STAY_S // HOUR} hours",
        f"a year before {FIRST_YEAR} was never set",
        f"``reserve_mb`` ({NodeSettings().reserve_mb}) free",
        f"looked for every {int(ROUND_S * ROUNDS_BETWEEN_HOLDS) // 60} minutes",
        f"went on for {PATIENCE_S // HOUR} h after it was told to stop",
        f"When {MOST_DISPUTES} of one order wait for a person",
        f"When {MOST_UNMATCHED} of one charger wait for a person",
    ],
)
def test_figures_agree(sentence: str) -> None:
    """Limits and assumptions that are stated are those of the code."""
    assert sentence in FLOWING
