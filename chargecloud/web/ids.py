"""Ids in what is not typed: JavaScript's numbers end at 2**53, and ours do not."""

from collections.abc import Mapping
from typing import Any


def with_ids_as_text(body: Mapping[str, Any]) -> dict[str, Any]:
    """A logged body with its ids as text, as everywhere in the API: members that are called
    C{id}, or end in C{_id}, at any depth."""
    return {name: _shown(name, value) for name, value in body.items()}


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return with_ids_as_text(value)
    if isinstance(value, list | tuple):
        return [_shown(name, each) for each in value]
    is_id = name == "id" or name.endswith("_id")
    return str(value) if is_id and type(value) is int else value
