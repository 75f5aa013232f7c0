"""Options of C{twistd chargecloud}, and what of them does not go together."""

from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import make_url
from twisted.python import usage

from chargecloud.config import ConfigError, Setup, read_config
from chargecloud.storage.roster import ROLES

#: of one service on one machine
MOST_PROCESSES = 64


def _whole(given: str) -> int:
    value = int(given)
    if not 1 <= value <= MOST_PROCESSES:
        raise ValueError(f"must be from 1 to {MOST_PROCESSES}")
    return value


_whole.coerceDoc = f"1 to {MOST_PROCESSES}"  # type: ignore[attr-defined]


class Options(usage.Options):
    """Options of the command."""

    longdesc = "The charging cloud: chargers, orders, bills and the HTTP API."
    optParameters: ClassVar = [
        ["config", "c", None, "the configuration, a TOML file (required; etc/ has samples)"],
        ["processes", None, None, "how many processes share the listeners", _whole],
        ["process", None, None, "number of this one among them; given by the first", _whole],
        ["status", None, None, "endpoint at which this process tells of itself: /readyz, /metrics"],
    ]

    setup: Setup

    def __init__(self) -> None:
        super().__init__()
        self.roles: list[str] = []

    def opt_role(self, role: str) -> None:
        """what this process does: gateway, web or worker; may be given again.  All of it, if it
        is not given"""
        if role not in ROLES:
            raise usage.UsageError(f"there is no role {role!r}: it is one of {', '.join(ROLES)}")
        self.roles.append(role)

    def postOptions(self) -> None:
        """Read the configuration, so that its faults are told like those of the options."""
        if self["config"] is None:
            raise usage.UsageError("--config is needed; etc/ has samples")
        try:
            self.setup = read_config(Path(self["config"]))
        except ConfigError as error:
            raise usage.UsageError(str(error)) from error
        config = self.setup.config
        if not (self.roles or self["processes"]):
            return
        what = "--role" if self.roles else "--processes"
        if config.calendar is not None:
            raise usage.UsageError(f"{what}: a [calendar] of its own is one process's")
        if self["status"] and self["processes"] and self["process"] is None:
            raise usage.UsageError("--status: --processes are several, and it is one's place")
        if not config.redis.places:
            raise usage.UsageError(f"{what}: several processes need [redis]")
        if make_url(config.database_url).get_backend_name() == "sqlite":
            raise usage.UsageError(
                f"{what}: several processes need a [database] that is a server: on SQLite one "
                "process writes"
            )
