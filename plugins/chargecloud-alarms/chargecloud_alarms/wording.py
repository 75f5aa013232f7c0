"""An alarm in words, and as plain values."""

from typing import Any

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
