"""Alarms, as values."""

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from chargecloud.domain.decision import Row


class Level(Enum):
    """How much an alarm asks for: to be seen, to be looked after, to be run for."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@frozen
class Alarm:
    """Something that a person should know of.

    @ivar rule: what found it, for example C{"port-hot"}.
    @ivar charger_id: C{None} if it is about the platform itself.
    @ivar order_id: the order that it is about, where it is about one.
    @ivar made_by: the plugin that found it, with its version; C{None} for the core.
    @ivar evidence: the figures that it was found by, plain values.
    """

    rule: str
    level: Level
    tenant_id: int
    charger_id: int | None
    at: datetime
    port: int | None = None
    order_id: int | None = None
    evidence: Row = field(factory=dict)
    made_by: str | None = None
