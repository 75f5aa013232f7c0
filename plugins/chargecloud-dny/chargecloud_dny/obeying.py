"""What a simulated DNY charger does when the platform wants something, and how it answers."""

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import frozen

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Command,
    Locate,
    StartCharge,
    StopCharge,
)
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud_dny.codes import BY_ENERGY, CHARGE_RESULTS, DONE
from chargecloud_dny.orders import MWH_PER_UNIT, read_order

#: never past: DNY's orders have no end of their validity
_FOR_EVER = 2**40
_WATTS = 800
_TEN_HOURS_S = 36_000
_RESULTS = {
    **{code: result for result, (_, code) in reversed([*CHARGE_RESULTS.items()])},
    "expired": 0x0E,
}
NOT_DONE = 1


@frozen
class Obeying:
    """
    @ivar now: the calendar's.
    """

    charger: SimulatedCharger
    now: Callable[[], datetime]

    def answer(self, name: str, fields: Fields) -> Fields:
        """Do what a message wants; the values of the reply."""
        do = _DO.get(name)
        return {"result": NOT_DONE} if do is None else do(self, fields)

    def obey(self, command: Command) -> Answer:
        """What the charger itself says."""
        return self.charger.obey(command, self.now())

    def _charge(self, fields: Fields) -> Fields:
        order_id, port = read_order(fields["order"]), fields["port"] + 1
        if order_id is None:
            answer = Answer(False, "refused")
        elif not fields["is_on"]:
            answer = self.obey(StopCharge(order_id, port))
        else:
            by_energy, amount = fields["rate_mode"] == BY_ENERGY, fields["amount"]
            answer = self.obey(
                StartCharge(
                    order_id,
                    port,
                    _FOR_EVER,
                    limit_energy_mwh=amount * MWH_PER_UNIT if by_energy and amount else None,
                    limit_duration_s=(fields["most_s"] if by_energy else amount) or None,
                    until_full=bool(fields.get("stop_when_full")) or not amount,
                )
            )
        return {
            "result": DONE if answer.accepted else _RESULTS.get(answer.code, 0x08),
            "order": fields["order"],
            "port": fields["port"],
            "pending_ports": 0,
        }

    def _change(self, fields: Fields) -> Fields:
        ports, number = self.charger.memory.ports, fields["port"]
        charge = ports[number].charge if number < len(ports) else None
        if charge is None or charge.order_id is None:
            return {"result": NOT_DONE}
        is_energy, value = fields["mode"] == 2, fields["value"]
        command = ChangeCharge(
            charge.order_id,
            number + 1,
            limit_energy_mwh=value * MWH_PER_UNIT if is_energy else None,
            limit_duration_s=None if is_energy else value,
            until_full=fields["mode"] > 0,
        )
        return {"result": DONE if self.obey(command).accepted else NOT_DONE}

    def _locate(self, fields: Fields) -> Fields:
        return {"result": DONE if self.obey(Locate(fields["seconds"])).accepted else NOT_DONE}

    def _limits(self, _fields: Fields) -> Fields:
        return {"most_s": _TEN_HOURS_S, "overload_dw": _WATTS * 10}


_DO: Mapping[str, Callable[[Obeying, Fields], Fields]] = {
    "charge": Obeying._charge,
    "change": Obeying._change,
    "locate": Obeying._locate,
    "tell_limits": Obeying._limits,
}
