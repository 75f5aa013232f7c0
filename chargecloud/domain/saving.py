"""What a cut-off has saved: an estimate, with the assumption that it rests on and its range.

A full battery that is not cut off draws its float until somebody pulls the plug.  What the
float is was measured while it was held; how long the plug stayed in afterwards is known of
ports that sense it, and assumed of all others.
"""

from attrs import frozen

from chargecloud.domain.units import HOUR

#: how long a bike stays after it is full, where nobody tells: from people who sleep to
#: people who wait beside it
ASSUMED_STAY_S = 2 * HOUR
#: nobody who charges at night comes later than this
MOST_STAY_S = 12 * HOUR
#: a float is not even: it falls while the last cells fill, rises with the battery's
#: temperature, and chargers give it in pulses that an hour does not even out
SPREAD_PERCENT = 20

#: 0.1 W for 36 s is 1 mWh
_DWS_PER_MWH = 36

UNPLUGGED = "the float went on until the plug was pulled"
NOT_TOLD = "the plug is not sensed: the float went on for two hours"


@frozen
class Saved:
    """
    Energy that was not drawn.

    @ivar energy_mwh: the estimate; C{least_mwh} and C{most_mwh} are its range.
    @ivar assumption: what it rests on, to be shown beside it.
    """

    energy_mwh: int
    least_mwh: int
    most_mwh: int
    assumption: str


def saved(float_dw: int, stayed_s: int | None) -> Saved:
    """
    What a cut-off has saved, all of it rounded down.

    @param float_dw: what the battery drew while it was floated.
    @param stayed_s: from the cut-off until the plug was pulled; C{None} if nobody told.
    @raise ValueError: for a power or a time below zero.
    """
    if float_dw < 0 or (stayed_s is not None and stayed_s < 0):
        raise ValueError(f"no float has {float_dw} dW and no stay {stayed_s} s")
    if stayed_s is None:
        energy_mwh = float_dw * ASSUMED_STAY_S // _DWS_PER_MWH
        return Saved(energy_mwh, 0, float_dw * MOST_STAY_S // _DWS_PER_MWH, NOT_TOLD)
    drawn_dws = float_dw * stayed_s
    return Saved(
        drawn_dws // _DWS_PER_MWH,
        drawn_dws * (100 - SPREAD_PERCENT) // (100 * _DWS_PER_MWH),
        drawn_dws * (100 + SPREAD_PERCENT) // (100 * _DWS_PER_MWH),
        UNPLUGGED,
    )
