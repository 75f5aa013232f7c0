"""The sink that is always there: alarms in the service's log."""

from attrs import field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.interfaces import IAlarmSink

_LEVELS = {
    Level.NOTICE: LogLevel.info,
    Level.WARNING: LogLevel.warn,
    Level.CRITICAL: LogLevel.critical,
}


@implementer(IAlarmSink)
@frozen
class LogSink:
    """Writes each alarm as one line."""

    name: str = "log"
    _log: Logger = field(factory=Logger, init=False)

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Write it."""
        self._log.emit(
            _LEVELS[alarm.level],
            "alarm {rule} at charger {charger_id}, port {port}: {evidence}",
            rule=alarm.rule,
            charger_id=alarm.charger_id,
            port=alarm.port,
            evidence=dict(alarm.evidence),
        )
        return succeed(None)
