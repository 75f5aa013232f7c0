"""A record as the spool has it: what a charger told, or had begun there; by whom, and when it
came."""

from datetime import datetime
from typing import Any

from attrs import evolve, frozen
from cattrs.preconf.json import make_converter

from chargecloud.domain.charger import Admission
from chargecloud.domain.events import ChargeEnded, ChargeStarted
from chargecloud.domain.order_value import Order


@frozen
class ChargePlaced:
    """A charge was begun by a card that was presented.

    @ivar order: as it is to be written down.
    """

    order: Order

    @property
    def order_id(self) -> int:
        """Its id."""
        return self.order.id


_KINDS: dict[str, type[ChargePlaced | ChargeStarted | ChargeEnded]] = {
    "placed": ChargePlaced,
    "started": ChargeStarted,
    "ended": ChargeEnded,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}

_converter = make_converter()


@frozen
class Spooled:
    """
    @ivar admission: the charger's, when it told it.
    """

    admission: Admission
    event: ChargePlaced | ChargeStarted | ChargeEnded
    received_at: datetime

    @property
    def charger_id(self) -> int:
        """Whose it is."""
        return self.admission.charger_id

    def to_bytes(self) -> bytes:
        """JSON, without what is secret in an admission."""
        told = {
            "kind": _NAMES[type(self.event)],
            "event": self.event,
            "admission": evolve(self.admission, next_key=None),
            "received_at": self.received_at,
        }
        return str(_converter.dumps(told)).encode()

    @classmethod
    def of_bytes(cls, data: bytes) -> "Spooled":
        """
        @raise ValueError: if it cannot be read: a newer version has written it.
        """
        try:
            told: dict[str, Any] = _converter.loads(data, dict[str, Any])
            return cls(
                _converter.structure(told["admission"], Admission),
                _converter.structure(told["event"], _KINDS[told["kind"]]),
                _converter.structure(told["received_at"], datetime),
            )
        except Exception as error:
            raise ValueError("a record of the spool cannot be read") from error
