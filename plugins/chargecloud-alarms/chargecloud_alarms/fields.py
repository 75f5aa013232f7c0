"""Fields of this distribution's settings: what is tried out when a configuration is read."""

import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from chargecloud.domain.fields import REQUIRED, checked
from chargecloud_alarms.mqtt import PLACES


def some(doc: str, check: Callable[[Any], object] = str, *, default: Any = REQUIRED) -> Any:
    """A field with one value at least, and none of them empty or twice."""

    def check_all(values: Collection[Any]) -> None:
        if not values:
            raise ValueError("must not be empty")
        if "" in values or len(set(values)) < len(values):
            raise ValueError("must have nothing that is empty, and nothing twice")
        for value in values:
            check(value)

    return checked(doc, check_all, default=default)


#: E.164, or as it is dialled in mainland China
_NUMBER = re.compile(r"\+?[0-9]{5,16}")
#: a field of WeChat's templates, a variable of Alibaba's
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_PLACE = re.compile(r"\{([^{}]*)\}")


def a_number(value: str) -> None:
    """A telephone number."""
    # the number itself is not told: it is somebody's
    if not _NUMBER.fullmatch(value):
        raise ValueError("must be telephone numbers, of digits and perhaps a +")


def a_field(name: str) -> None:
    """The name of a template's field."""
    if not _FIELD.fullmatch(name):
        raise ValueError(f"must have names of a template's fields, and {name!r} is none")


def a_zone(name: str) -> None:
    """The name of a time zone."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError(f"must be a time zone, and {name!r} is none") from error


def a_server(url: str) -> None:
    """The URL of a server, with nothing behind it."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be https:// and a host, and nothing behind it")


def a_topic(pattern: str) -> None:
    """A topic, with places in braces."""
    for place in _PLACE.findall(pattern):
        if place not in PLACES:
            raise ValueError(f"must have no places but {', '.join(PLACES)}, and {place!r} is none")
    # what a topic to be published to must not have (MQTT 3.1.1, 4.7.1)
    if not 0 < len(pattern) <= 500 or any(each in pattern for each in "+#\0"):
        raise ValueError("must have 1 to 500 characters, and neither + nor #")
    if any(each in _PLACE.sub("", pattern) for each in "{}"):
        raise ValueError("must close each brace that it opens")
