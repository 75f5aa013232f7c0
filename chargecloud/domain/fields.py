"""Fields of values that people give: with their documentation and their limits.

The configuration, the bodies of the HTTP API and their OpenAPI descriptions are all made
from these.
"""

from collections.abc import Callable
from typing import Any

import attrs

#: the default of a field that must be given
REQUIRED: Any = attrs.NOTHING


def text(
    doc: str, *, default: Any = REQUIRED, longest: int = 200, example: str | None = None
) -> Any:
    """A field of text."""

    def check(_instance: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None and not 0 < len(value) <= longest:
            raise ValueError(f"must have 1 to {longest} characters")

    metadata = {"doc": doc, "maxLength": longest, "minLength": 1, "example": example}
    return attrs.field(default=default, validator=check, metadata=metadata)


def one_line(given: str) -> str:
    """The same text without what begins another line, or is not seen: with spaces in its place."""
    return "".join(each if each.isprintable() else " " for each in given)


def whole(
    doc: str,
    *,
    default: Any = REQUIRED,
    least: int = 0,
    most: int = 2**53 - 1,
    example: int | None = None,
) -> Any:
    """A field of a whole number, within limits that are stated (2**53 - 1 is as far as
    every reader of JSON counts exactly)."""

    def check(_instance: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None and not least <= value <= most:
            raise ValueError(f"must be between {least} and {most}")

    metadata = {"doc": doc, "minimum": least, "maximum": most, "example": example}
    return attrs.field(default=default, validator=check, metadata=metadata)


def choice(doc: str, *, default: Any = REQUIRED, example: Any = None) -> Any:
    """A field of any other type: an enumeration, a nested body, a list, a flag."""
    return attrs.field(default=default, metadata={"doc": doc, "example": example})


def checked(doc: str, check: Callable[[Any], object], **given: Any) -> Any:
    """A field whose value is tried out; whatever C{check} raises of L{ValueError} is told."""

    def validate(_instance: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None:
            check(value)

    return attrs.field(validator=validate, metadata={"doc": doc}, **given)
