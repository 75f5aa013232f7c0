"""Certificates for charge points: signs what they ask for, brings it to them, and has them ask
again before it ends."""

from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from attrs import define, field
from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, VendorCall
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.errors import Refusal
from chargecloud.domain.events import ChargerEvent, Outcome, Reply
from chargecloud.interfaces import IChargerDesk, Platform
from chargecloud.registry.chargers import find_charger
from chargecloud_ocpp import offers
from chargecloud_ocpp.authority import Authority, Signed
from chargecloud_ocpp.facts import CertificateWanted
from chargecloud_ocpp.offers import INSTALLED, OFFERED, Certificate, Fate
from chargecloud_ocpp.outstanding import ANSWER_WITHIN_S
from chargecloud_ocpp.signing_requests import Denied

#: one that was refused so often is not offered any more
MOST_REFUSALS = 3
#: after a login a charge point first tells what it is, and is told the time
AFTER_LOGIN_S = 10.0
HOUR_S = 3_600.0
#: between two times that a charge point is asked to renew: one that will not is to be looked at
ASKED_AGAIN_S = 24 * HOUR_S


@implementer(IChargerDesk)
@define(eq=False)
class CertificateDesk:
    """
    What is signed is kept before it is answered.  How many wishes there were, and whose certificate
    ends when, is held in memory, for those that are connected.

    @ivar renewal: how long before its end a charge point is asked for a new one; C{None}: never.
    @ivar wishes_an_hour: of one charge point that are looked at.
    """

    platform: Platform
    authority: Authority
    renewal: timedelta | None
    wishes_an_hour: int
    facts: tuple[type, ...] = (CertificateWanted,)
    #: by charger, when its wishes were looked at
    _wishes: "dict[int, deque[float]]" = field(factory=dict, init=False)
    _ends: dict[int, datetime] = field(factory=dict, init=False)
    _asked_s: dict[int, float] = field(factory=dict, init=False)
    #: by charger, the serial number of what it is just offered
    _under_way: dict[int, str] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def _now(self) -> datetime:
        """True time: who looks at certificates knows no calendar of a demonstration."""
        return datetime.fromtimestamp(self.platform.reactor.seconds(), UTC)

    # ------------------------------------------------------------------------- a charger speaks

    def take(self, admission: Admission, event: ChargerEvent) -> "Deferred[Reply]":
        """A wish for a certificate."""
        assert isinstance(event, CertificateWanted)
        return Deferred.fromCoroutine(self._decide(admission, str(event.fields.get("csr", ""))))

    async def _decide(self, admission: Admission, csr: str) -> Reply:
        charger_id, now = admission.charger_id, self._now
        if not self._is_looked_at(charger_id):
            self._log.warn("charger {id} wants too many certificates", id=charger_id)
            return Reply(Outcome.REFUSED, "too-many")

        def sign(connection: Connection) -> Signed:
            charger = find_charger(connection, admission.tenant_id, charger_id)
            return self.authority.sign(csr, charger.identity, now)

        try:
            # where the database is read there are threads
            signed: Signed = await self.platform.read(sign)
        except Denied as why:
            await self._write_down("certificate.denied", admission, why=str(why))
            return Reply(Outcome.REFUSED, "denied")
        kept_at = self.platform.calendar.now()
        await self.platform.transact(
            lambda connection: offers.offer(connection, admission, signed, kept_at)
        )
        await self._write_down("certificate.signed", admission, serial=signed.serial)
        # it is told that there will be one before it is told which
        self.platform.reactor.callLater(0, self._begin, partial(self._bring, admission))
        return Reply(Outcome.KEPT)

    def _is_looked_at(self, charger_id: int) -> bool:
        now_s = self.platform.reactor.seconds()
        times = self._wishes.setdefault(charger_id, deque())
        while times and times[0] <= now_s - HOUR_S:
            times.popleft()
        if len(times) >= self.wishes_an_hour:
            return False
        times.append(now_s)
        return True

    # --------------------------------------------------------------------- it is brought there

    def arrived(self, admission: Admission) -> None:
        """A charger is there again: what it has not taken is offered anew."""
        meet = partial(self._bring, admission)
        self.platform.reactor.callLater(AFTER_LOGIN_S, self._begin, meet)

    async def _bring(self, admission: Admission) -> None:
        charger_id = admission.charger_id
        kept = await self.platform.read(lambda found: offers.find_certificates(found, charger_id))
        if INSTALLED in kept:
            self._ends[charger_id] = offers.end_of(kept[INSTALLED])
        offered = kept.get(OFFERED)
        if offered is None or offered["refusals"] >= MOST_REFUSALS:
            return
        serial = offered["serial"]
        if offers.end_of(offered) <= self._now or self._under_way.get(charger_id) == serial:
            return
        self._under_way[charger_id] = serial
        try:
            await self._offer(admission, offered)
        finally:
            if self._under_way.get(charger_id) == serial:
                del self._under_way[charger_id]

    async def _offer(self, admission: Admission, offered: Certificate) -> None:
        call = VendorCall("ocpp", "CertificateSigned", {"certificateChain": offered["chain"]})
        try:
            answer: Answer = await self.platform.send(admission.charger_id, call, ANSWER_WITHIN_S)
        except Refusal as error:
            fate, why = Fate.UNANSWERED, error.code
        else:
            fate, why = Fate.TAKEN if answer.accepted else Fate.REFUSED, answer.code
        serial, now = offered["serial"], self.platform.calendar.now()
        before: Certificate | None = await self.platform.transact(
            lambda connection: offers.settle(connection, admission, serial, fate, now)
        )
        if before is None:
            return
        if fate is Fate.TAKEN:
            self._ends[admission.charger_id] = offers.end_of(before)
            self._asked_s.pop(admission.charger_id, None)
            await self._write_down("certificate.installed", admission, serial=serial)
        elif fate is Fate.REFUSED or before["outcome"] != fate.value:
            # who comes and goes is told of once
            told = {"serial": serial, "outcome": fate.value, "why": why}
            await self._write_down("certificate.not_installed", admission, **told)

    # ----------------------------------------------------------------------------- a minute

    def each_minute(self) -> None:
        """Ask those whose certificate is about to end, and forget those who are away."""
        online, now_s = set(self.platform.online()), self.platform.reactor.seconds()
        self._ends = {each: end for each, end in self._ends.items() if each in online}
        self._wishes = {each: at for each, at in self._wishes.items() if at[-1] > now_s - HOUR_S}
        again_s = now_s - ASKED_AGAIN_S
        self._asked_s = {each: at for each, at in self._asked_s.items() if at > again_s}
        if self.renewal is None:
            return
        for charger_id, end in list(self._ends.items()):
            if end <= self._now + self.renewal and charger_id not in self._asked_s:
                self._asked_s[charger_id] = now_s
                self._begin(partial(self._renew, charger_id))

    async def _renew(self, charger_id: int) -> None:
        """Have a charge point ask for a certificate, with the O that it must have."""
        named = {"key": "CpoName", "value": self.authority.organization}
        wanted = {"requestedMessage": "SignChargePointCertificate"}
        try:
            # one without that key may know the name otherwise
            await self.platform.send(charger_id, VendorCall("ocpp", "ChangeConfiguration", named))
            call = VendorCall("ocpp", "ExtendedTriggerMessage", wanted)
            answer: Answer = await self.platform.send(charger_id, call)
            code = answer.code
        except Refusal as error:
            code = error.code
        if code != "ok":
            told = "charger {id} was asked for a new certificate: {code}"
            self._log.warn(told, id=charger_id, code=code)

    # ------------------------------------------------------------------------------- parts

    def _begin(self, work: "Callable[[], Coroutine[Any, Any, None]]") -> None:
        done = Deferred.fromCoroutine(work())
        done.addErrback(lambda why: self._log.failure("a certificate was not brought", why))

    async def _write_down(self, kind: str, admission: Admission, **told: str) -> None:
        await self.platform.log(LogEntry(kind, admission.tenant_id, told, admission.charger_id))
