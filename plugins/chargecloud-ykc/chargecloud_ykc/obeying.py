"""What a simulated YKC pile does when the platform wants something, and how it answers."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Command,
    LockOutCharger,
    StartCharge,
    StopCharge,
)
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud_ykc.codes import (
    DONE,
    FAILED,
    LOCKED,
    NOT_CHARGING,
    NOT_PLUGGED,
    START_FAILURES,
)
from chargecloud_ykc.pile import SECOND_CHANCE_S
from chargecloud_ykc.trades import read_order

#: never past: YKC's starts have no end of their validity
_FOR_EVER = 2**40
_REASONS = {
    **{code: reason for reason, code in reversed([*START_FAILURES.items()])},
    "no-such-port": 1,
    "locked-out": 3,
    "no-room": 3,
}


@define(eq=False)
class Obeying:
    """
    @ivar now: the calendar's.
    @ivar _waiting: starts that wait for a plug, by gun: their trades, and until when.
    """

    charger: SimulatedCharger
    now: Callable[[], datetime]
    _waiting: dict[int, tuple[str, float]] = field(factory=dict, init=False)

    def answer(self, name: str, fields: Fields, now_s: float) -> Fields | None:
        """Do what a message wants; the values of the reply, C{None} for none."""
        do = _DO.get(name)
        return None if do is None else do(self, fields, now_s)

    def start(self, trade: str, gun: int) -> Answer:
        """Start a charge; until the battery is full, or somebody stops it."""
        order_id = read_order(trade, self.charger.identity)
        if order_id is None:
            return Answer(False, "refused")
        return self._obey(StartCharge(order_id, gun, _FOR_EVER))

    def late_starts(self, now_s: float) -> Iterator[tuple[int, str]]:
        """Starts whose plug has come by now."""
        for gun, (trade, until_s) in list(self._waiting.items()):
            if until_s <= now_s:
                del self._waiting[gun]
            elif self.start(trade, gun).accepted:
                del self._waiting[gun]
                yield gun, trade

    def _obey(self, command: Command) -> Answer:
        return self.charger.obey(command, self.now())

    def _start(self, fields: Fields, now_s: float) -> Fields:
        answer = self.start(fields["trade"], fields["gun"])
        if answer.accepted:
            return {"result": DONE, "reason": 0}
        reason = _REASONS.get(answer.code, 3)
        if reason == NOT_PLUGGED:
            self._waiting[fields["gun"]] = fields["trade"], now_s + SECOND_CHANCE_S
        return {"result": FAILED, "reason": reason}

    def _stop(self, fields: Fields, _now_s: float) -> Fields:
        gun = fields["gun"]
        if self._waiting.pop(gun, None) is not None:
            return {"result": DONE, "reason": 0}
        ports = self.charger.memory.ports
        charge = ports[gun - 1].charge if 1 <= gun <= len(ports) else None
        if charge is None or charge.order_id is None:
            return {"result": FAILED, "reason": NOT_CHARGING}
        answer = self._obey(StopCharge(charge.order_id, gun))
        return {"result": DONE if answer.accepted else FAILED, "reason": 0}

    def _balance(self, fields: Fields, _now_s: float) -> Fields:
        charge = self.charger.port(fields["gun"]).charge
        if charge is None or charge.order_id is None:
            return {"result": 1}
        limit_fen = fields["balance_fen"]
        changed = ChangeCharge(charge.order_id, fields["gun"], limit_amount_fen=limit_fen)
        return {"result": 0 if self._obey(changed).accepted else 1}

    def _work(self, fields: Fields, _now_s: float) -> Fields:
        lock_out = LockOut.OPERATOR if fields["is_locked"] == LOCKED else LockOut.NONE
        return {"result": DONE if self._obey(LockOutCharger(lock_out)).accepted else FAILED}

    def _time(self, fields: Fields, _now_s: float) -> Fields:
        at = fields["at"]
        if at is not None:
            self.charger.set_clock(int(at.timestamp()))
        return {}


def _done(_obeying: Obeying, _fields: Fields, _now_s: float) -> Fields:
    return {"result": DONE}


_DO: Mapping[str, Callable[[Obeying, Any, float], Fields]] = {
    "start": Obeying._start,
    "stop": Obeying._stop,
    "balance": Obeying._balance,
    "work": Obeying._work,
    "time": Obeying._time,
    "set_model": _done,
    "reboot": _done,
}
