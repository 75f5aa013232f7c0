"""The schemas of the Open Charge Alliance, as the package C{ocpp} carries them."""

import json
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator, Draft6Validator, FormatChecker

from chargecloud_ocpp.messages import ACTIONS

FOLDER = files("ocpp") / "v16" / "schemas"
#: action, and whether it is its answer
MESSAGES = [(action, is_answer) for action in sorted(ACTIONS) for is_answer in (False, True)]


def file_name(action: str, is_answer: bool) -> str:
    """Of the schema of a message."""
    return f"{action}{'Response' if is_answer else ''}.json"


@cache
def schema(action: str, is_answer: bool) -> Any:
    """The schema, its references resolved."""
    text = (FOLDER / file_name(action, is_answer)).read_text(encoding="utf-8-sig")
    # one place behind the point is what a float does not have
    whole = json.loads(text, parse_float=Decimal)
    return resolved(whole, whole.get("definitions", {}))


def resolved(node: Any, definitions: Any) -> Any:
    """A part of a schema with what it refers to put in its place."""
    if isinstance(node, list):
        return [resolved(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: resolved(each, definitions) for name, each in node.items()}


@cache
def validator(action: str, is_answer: bool) -> Any:
    """What passes payloads by the schema."""
    found = schema(action, is_answer)
    kind = Draft4Validator if "draft-04" in found["$schema"] else Draft6Validator
    return kind(found, format_checker=FormatChecker(["date-time"]))


def passes(action: str, is_answer: bool, payload: Any) -> bool:
    """Whether a payload is as the schema wants it."""
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    return bool(validator(action, is_answer).is_valid(exact))
