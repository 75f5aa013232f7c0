"""Values that a configuration keeps elsewhere: C{env:NAME} and C{file:PATH}."""

import os
from pathlib import Path


def elsewhere(value: str) -> None:
    """
    Check that a value that is a secret is kept elsewhere.

    @raise ValueError: if it is not; it is not told, as it may be the secret itself.
    """
    if not value.startswith(("env:", "file:")):
        raise ValueError("must be file:PATH or env:NAME, and not the value itself")


def resolve(value: str) -> str:
    """
    What C{env:NAME} or C{file:PATH} refers to; any other value as it is.

    @raise ValueError: if there is nothing there.
    """
    kind, _, where = value.partition(":")
    if kind == "env":
        if where not in os.environ:
            raise ValueError(f"must name a variable of the environment, and {where!r} is none")
        return os.environ[where]
    if kind == "file":
        try:
            return Path(where).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"must name a file that can be read: {error}") from error
    return value
