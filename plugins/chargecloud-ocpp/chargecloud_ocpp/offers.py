"""Certificates that were signed for a charge point, and what became of each: as functions of a
connection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection

from chargecloud.domain.charger import Admission
from chargecloud_ocpp.authority import Signed
from chargecloud_ocpp.effects import Effect, Kind, Put, Remove
from chargecloud_ocpp.keeping import find_kind, keep

#: names of what is kept: the certificate that a charge point has taken, and the one that it has not
INSTALLED, OFFERED = "installed", "offered"

Certificate = Mapping[str, Any]


class Fate(Enum):
    """What has become of an offer."""

    SENT = "sent"
    TAKEN = "taken"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


def find_certificates(connection: Connection, charger_id: int) -> Mapping[str, Certificate]:
    """A charge point's, under L{INSTALLED} and L{OFFERED}."""
    return find_kind(connection, charger_id, Kind.CERTIFICATE)


def end_of(certificate: Certificate) -> datetime:
    """Until when it is good."""
    return datetime.fromisoformat(certificate["not_after"])


def offer(connection: Connection, admission: Admission, signed: Signed, now: datetime) -> None:
    """Keep one that is to be sent; what was offered before is worth nothing any more."""
    value = {
        "serial": signed.serial,
        "not_after": signed.not_after.isoformat(),
        "chain": signed.chain,
        "outcome": Fate.SENT.value,
        "refusals": 0,
    }
    put = Put(Kind.CERTIFICATE, OFFERED, value)
    keep(connection, admission.tenant_id, admission.charger_id, [put], now)


def settle(
    connection: Connection, admission: Admission, serial: str, fate: Fate, now: datetime
) -> Certificate | None:
    """
    Write down what has become of an offer.

    @return: it, as it was; C{None} if another one was signed meanwhile.
    """
    before = find_certificates(connection, admission.charger_id).get(OFFERED)
    if before is None or before["serial"] != serial:
        return None
    effects: Sequence[Effect]
    if fate is Fate.TAKEN:
        taken = {name: before[name] for name in ("serial", "not_after", "chain")}
        effects = [Remove(Kind.CERTIFICATE, OFFERED), Put(Kind.CERTIFICATE, INSTALLED, taken)]
    else:
        refusals = before["refusals"] + (fate is Fate.REFUSED)
        changed = {**before, "outcome": fate.value, "refusals": refusals}
        effects = [Put(Kind.CERTIFICATE, OFFERED, changed)]
    keep(connection, admission.tenant_id, admission.charger_id, effects, now)
    return before
