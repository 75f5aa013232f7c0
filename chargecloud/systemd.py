"""What systemd is told: that the service is ready, that it is alive, that it stops.

The protocol is sd_notify(3): one datagram of C{NAME=value} lines to the socket that the
environment names; the watchdog's is in sd_watchdog_enabled(3).
"""

import os
import socket
from collections.abc import Mapping

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


@define(eq=False, slots=False)
class Supervision(Service):
    """
    Tells systemd how it is, while it runs; it is started when all else is ready.

    The sign of life comes from the reactor: a service whose loop hangs gives none, and is
    started anew.  A database in trouble is no reason to: the chargers would only lose their
    connections.

    @ivar address: of systemd's socket; a leading C{@} is one without a file.
    @ivar watchdog_s: within which it wants a sign of life, C{None} if it does not.
    """

    clock: IReactorTime
    address: str
    watchdog_s: float | None = None
    _alive: LoopingCall | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @classmethod
    def asked_for(cls, clock: IReactorTime, environment: Mapping[str, str]) -> "Supervision | None":
        """What the environment asks for; C{None} where nobody supervises."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        # a watchdog for another process, such as the one that started this one, is not ours
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        within_us = environment.get("WATCHDOG_USEC", "")
        watchdog_s = int(within_us) / 1e6 if is_ours and within_us.isdecimal() else None
        return cls(clock, address, watchdog_s or None)

    def startService(self) -> None:
        """It is ready."""
        super().startService()
        self._tell("READY=1")
        if self.watchdog_s is not None:
            self._alive = LoopingCall(self._tell, "WATCHDOG=1")
            self._alive.clock = self.clock
            self._alive.start(self.watchdog_s / 2)

    def stopService(self) -> None:
        """It stops, and takes its time for it."""
        super().stopService()
        if self._alive is not None:
            self._alive.stop()
            self._alive = None
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        address = self.address.replace("@", "\0", 1) if self.address[0] == "@" else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
                told.setblocking(False)
                told.sendto(state.encode(), address)
        except OSError as error:
            # nobody hears it: the service goes on, and systemd does what it is set to
            self._log.warn("systemd could not be told {state}: {error}", state=state, error=error)
