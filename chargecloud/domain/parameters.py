"""What can be set at a charger, with its unit and the bounds that it must lie in.

How often an idle charger gives a sign of life is no parameter: it is told at each welcome.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from chargecloud.domain.errors import Invalid


class Parameter(Enum):
    """The unit is in the name."""

    #: how often ports that charge are reported
    REPORT_S = "report_s"
    #: how often all ports are reported in full, between which only differences are told
    FULL_REPORT_S = "full_report_s"
    #: a port as hot as this is cut
    CUT_TEMPERATURE_DC = "cut_temperature_dc"
    #: a port as hot as this is told of at once
    WARN_TEMPERATURE_DC = "warn_temperature_dc"
    #: a port that draws more is cut
    CUT_CURRENT_MA = "cut_current_ma"
    #: leakage above this cuts
    CUT_LEAKAGE_UA = "cut_leakage_ua"
    #: no charge takes longer, whatever its order says
    MOST_CHARGE_S = "most_charge_s"
    #: a change of power by as much is told of at once
    POWER_STEP_DW = "power_step_dw"
    #: 1: smoke locks the charger out; 0: it only cuts
    SMOKE_LOCKS_OUT = "smoke_locks_out"
    #: 1: charges go on after a cut of the power; 0: they end by it
    RESUMES = "resumes"
    #: after a cut of the power, ports come on one after another at this distance
    STAGGER_S = "stagger_s"
    #: 1: cards on the list may charge while there is no connection
    OFFLINE_CARDS = "offline_cards"
    #: 1: start codes are taken
    START_CODES = "start_codes"
    #: loudness of the voice, and brightness of the display
    VOLUME_PERCENT = "volume_percent"
    BRIGHTNESS_PERCENT = "brightness_percent"


@frozen
class Bounds:
    """From C{least} to C{most}, both included."""

    least: int
    most: int


BOUNDS: Mapping[Parameter, Bounds] = {
    Parameter.REPORT_S: Bounds(10, 3_600),
    Parameter.FULL_REPORT_S: Bounds(60, 86_400),
    # a parameter may make a charger more careful than its maker did, and hardly less so
    Parameter.CUT_TEMPERATURE_DC: Bounds(400, 850),
    Parameter.WARN_TEMPERATURE_DC: Bounds(300, 850),
    Parameter.CUT_CURRENT_MA: Bounds(500, 250_000),
    Parameter.CUT_LEAKAGE_UA: Bounds(5_000, 30_000),
    Parameter.MOST_CHARGE_S: Bounds(600, 86_400),
    Parameter.POWER_STEP_DW: Bounds(10, 100_000),
    Parameter.SMOKE_LOCKS_OUT: Bounds(0, 1),
    Parameter.RESUMES: Bounds(0, 1),
    Parameter.STAGGER_S: Bounds(0, 600),
    Parameter.OFFLINE_CARDS: Bounds(0, 1),
    Parameter.START_CODES: Bounds(0, 1),
    Parameter.VOLUME_PERCENT: Bounds(0, 100),
    Parameter.BRIGHTNESS_PERCENT: Bounds(0, 100),
}

Values = Mapping[Parameter, int]


def read_parameters(told: Mapping[str, object]) -> Values:
    """
    Parameters by their names, as a person gives them.

    @raise Invalid: naming every one that there is not, or that is out of its bounds.
    """
    values: dict[Parameter, int] = {}
    faults: list[dict[str, str]] = []
    for name, value in told.items():
        try:
            parameter = Parameter(name)
        except ValueError:
            faults.append(_fault(name, f"is none of {', '.join(p.value for p in Parameter)}"))
            continue
        bounds = BOUNDS[parameter]
        if type(value) is not int or not bounds.least <= value <= bounds.most:
            faults.append(_fault(name, f"must be a whole number, {bounds.least} to {bounds.most}"))
            continue
        values[parameter] = value
    if not told:
        faults.append({"pointer": "/args", "detail": "names at least one parameter"})
    if faults:
        raise Invalid("these parameters cannot be set", errors=faults)
    return values


def _fault(name: str, what: str) -> dict[str, str]:
    return {"pointer": f"/args/{name}", "detail": what}
