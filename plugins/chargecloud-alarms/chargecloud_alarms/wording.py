"""An alarm in words, and as plain values."""

from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from chargecloud.domain.alarm import Alarm, Level

_LEVELS = {Level.NOTICE: "提示", Level.WARNING: "警告", Level.CRITICAL: "严重"}


def facts_of(alarm: Alarm) -> dict[str, Any]:
    """What an alarm says, as JSON has it; ids as text."""
    return {
        "rule": alarm.rule,
        "level": alarm.level.value,
        "at": alarm.at.isoformat(),
        "tenant_id": str(alarm.tenant_id),
        "charger_id": None if alarm.charger_id is None else str(alarm.charger_id),
        "port": alarm.port,
        "order_id": None if alarm.order_id is None else str(alarm.order_id),
        "evidence": dict(alarm.evidence),
        "made_by": alarm.made_by,
    }


def words_of(alarm: Alarm) -> str:
    """A few lines for people, in both languages."""
    where = "the platform" if alarm.charger_id is None else f"charger {alarm.charger_id}"
    port = "" if alarm.port is None else f", port {alarm.port}"
    evidence = ", ".join(f"{name} {value}" for name, value in alarm.evidence.items())
    lines = [
        f"[{_LEVELS[alarm.level]} {alarm.level.value}] {alarm.rule}",
        f"{where}{port}",
        f"{alarm.at:%Y-%m-%d %H:%M:%S %Z}",
    ]
    return "\n".join([*lines, evidence] if evidence else lines)


class Fact(Enum):
    """What a template can be given, for each of its fields."""

    RULE = "rule"
    LEVEL = "level"
    WHERE = "where"
    TIME = "time"
    EVIDENCE = "evidence"


def said(fact: Fact, alarm: Alarm, zone: ZoneInfo) -> str:
    """
    A fact for a template that people read; never empty, as no provider takes that.

    @param zone: of the people: a template says no time zone.
    """
    if fact is Fact.RULE:
        return alarm.rule
    if fact is Fact.LEVEL:
        return _LEVELS[alarm.level]
    if fact is Fact.TIME:
        return f"{alarm.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if fact is Fact.EVIDENCE:
        return ", ".join(f"{name} {value}" for name, value in alarm.evidence.items()) or "-"
    # no more than digits, so that it stands in fields which take nothing else
    charger = "platform" if alarm.charger_id is None else str(alarm.charger_id)
    return charger if alarm.port is None else f"{charger}-{alarm.port}"


def masked(text: str) -> str:
    """A telephone number or an account, for logs: its owner knows it again, and nobody else."""
    return f"{text[:3]}****{text[-2:]}" if len(text) > 7 else "****"


def shortened(text: str, longest: int) -> str:
    """As much of it as there is room for."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
