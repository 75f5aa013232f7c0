"""What a charger finds dangerous by itself, and what it has done about it.

Safety is local: the charger acts first and tells then.  Its own words are a hazard and an
action; how much each asks of people is L{LEVELS}.
"""

from collections.abc import Mapping
from enum import Enum

from chargecloud.domain.alarm import Level


class Hazard(Enum):
    """What was found."""

    OVER_TEMPERATURE = "over_temperature"
    OVER_CURRENT = "over_current"
    SHORT_CIRCUIT = "short_circuit"
    LEAKAGE = "leakage"
    OVER_VOLTAGE = "over_voltage"
    UNDER_VOLTAGE = "under_voltage"
    MOST_TIME = "most_time"
    SMOKE = "smoke"
    WATER = "water"
    DOOR = "door"
    FIRE = "fire"
    RELAY_STUCK = "relay_stuck"
    METER_FAULT = "meter_fault"
    SENSOR_FAULT = "sensor_fault"
    TAMPER = "tamper"
    #: the memory for records is full: no charge begins offline
    RECORDS_FULL = "records_full"
    #: a number that a later version has added
    UNKNOWN = "unknown"


class SafetyAction(Enum):
    """What the charger has done about it by itself."""

    NONE = "none"
    PORT_CUT = "port_cut"
    BOX_CUT = "box_cut"
    #: everything is cut, and stays so until the fire lock-out is lifted
    FIRE_LOCK_OUT = "fire_lock_out"
    UNKNOWN = "unknown"


#: how much each asks for; what is not known is taken for worse than it may be
LEVELS: Mapping[Hazard, Level] = {
    Hazard.OVER_TEMPERATURE: Level.CRITICAL,
    Hazard.OVER_CURRENT: Level.WARNING,
    Hazard.SHORT_CIRCUIT: Level.CRITICAL,
    Hazard.LEAKAGE: Level.CRITICAL,
    Hazard.OVER_VOLTAGE: Level.WARNING,
    Hazard.UNDER_VOLTAGE: Level.NOTICE,
    Hazard.MOST_TIME: Level.NOTICE,
    Hazard.SMOKE: Level.CRITICAL,
    Hazard.WATER: Level.CRITICAL,
    Hazard.DOOR: Level.WARNING,
    Hazard.FIRE: Level.CRITICAL,
    Hazard.RELAY_STUCK: Level.CRITICAL,
    Hazard.METER_FAULT: Level.WARNING,
    Hazard.SENSOR_FAULT: Level.WARNING,
    Hazard.TAMPER: Level.WARNING,
    Hazard.RECORDS_FULL: Level.WARNING,
    Hazard.UNKNOWN: Level.CRITICAL,
}
