"""What a simulated port measures.

This is a simulation: the energy and the power are those of the bike's curve, and the rest
is only made to look as it does in a box in the open: a mains voltage that sags under load,
and a contact that is warmed by its current.
"""

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PortReading
from chargecloud.simulator.battery import MW_PER_DW
from chargecloud.simulator.memory import Port

MAINS_DV = 2_300
#: 1 dV for each so many mW of one port: a long, thin cable
SAG_MW = 40_000
#: what draws more than a bike has a cable made for it
LARGEST_SAG_DV = 100
AMBIENT_DC = 250
#: 0.1 degrees for the square of each so many mA
WARMING_MA = 250
#: a plug for more than that has contacts made for its current: 20 degrees warmer at the full one
WARMINGS_AT_FULL = 14


def state_of(port: Port) -> PortState:
    """What a port says of itself."""
    if port.is_faulty:
        return PortState.FAULT
    if port.bike is None:
        return PortState.IDLE
    if port.charge is not None:
        return PortState.CHARGING
    return PortState.FULL if port.bike.is_full else PortState.PLUGGED


def read_port(port: Port) -> PortReading:
    """What a port measures now."""
    state = state_of(port)
    charge = port.charge
    if port.bike is None or charge is None:
        # a charge that waits for its plug is still the port's
        order_id = None if charge is None else charge.order_id
        return PortReading(
            port.number, state, power_dw=0, meter_mwh=port.meter_mwh, order_id=order_id
        )
    power_mw = port.bike.curve.power_mw(charge.place_s)
    voltage_dv = MAINS_DV - min(LARGEST_SAG_DV, power_mw // SAG_MW)
    current_ma = power_mw * 10 // voltage_dv
    full_ma = port.bike.plateau_mw * 10 // MAINS_DV
    warming_ma = max(WARMING_MA, full_ma // WARMINGS_AT_FULL)
    return PortReading(
        port.number,
        state,
        power_dw=power_mw // MW_PER_DW,
        meter_mwh=port.meter_mwh,
        voltage_dv=voltage_dv,
        current_ma=current_ma,
        temperature_dc=AMBIENT_DC + (current_ma // warming_ma) ** 2,
        order_id=charge.order_id,
    )
