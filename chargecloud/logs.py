"""Structured logs: a line of JSON for each event, with its ids, and without secrets.

C{twistd --logger chargecloud.logs.json_lines chargecloud …} writes them to the standard output,
where journald or a container's runtime takes them.  What an event is about is in fields of their
own (C{charger_id}, C{order_id}, C{request_id} and what else its author named), so that all that
happened to one charger is one query.
"""

import json
import sys
from datetime import UTC, datetime
from typing import IO, Any

from twisted.logger import ILogObserver, LogEvent, formatEvent
from zope.interface import implementer

#: fields that open something, or are somebody's own
MASKED = frozenset(
    {"authorization", "card_uid", "code", "key", "password", "phone", "secret", "token", "uid"}
)
MASK = "***"
#: fields that Twisted puts into every event, and whose content is told otherwise
_OWN = ("log_", "format", "isError", "message", "system", "time", "failure")


def masked(event: LogEvent) -> LogEvent:
    """An event without what nobody should read."""
    return {name: MASK if name in MASKED else value for name, value in event.items()}


def line_of(event: LogEvent) -> str:
    """The line of JSON of an event."""
    shown = masked(event)
    level = event.get("log_level")
    told: dict[str, Any] = {
        "at": datetime.fromtimestamp(event["log_time"], UTC).isoformat(),
        "level": level.name if level else "info",
        "room": str(event.get("log_namespace", "-")),
        "message": formatEvent(shown),
    }
    # a field of an event's own must not take the place of one of these
    told |= {
        f"{name}_" if name in told else name: value
        for name, value in shown.items()
        if not name.startswith(_OWN)
    }
    if failure := event.get("log_failure"):
        told["failure"] = failure.getTraceback()
    return json.dumps(told, ensure_ascii=False, default=str)


@implementer(ILogObserver)
class JsonLines:
    """Writes events as lines of JSON."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __call__(self, event: LogEvent) -> None:
        """Write one; an event that cannot be told is told to be one."""
        try:
            line = line_of(event)
        except Exception as error:
            line = json.dumps({"level": "error", "message": f"an event was not told: {error!r}"})
        self._file.write(line + "\n")
        self._file.flush()


def json_lines() -> JsonLines:
    """For C{twistd --logger}."""
    return JsonLines(sys.stdout)
