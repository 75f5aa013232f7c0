"""The keys that WeChat signs with, for one merchant.

Either WeChat has given the merchant a public key for good, or it has certificates that follow
each other: those are fetched from C{/v3/certificates}, again twice a day, and as soon as something
comes that is signed by one which is not known yet.  While a merchant goes over from one to the
other, WeChat uses both.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chargecloud_pay_wechat.errors import NoAnswer
from chargecloud_pay_wechat.merchant import Merchant
from chargecloud_pay_wechat.sealing import SealedOtherwise, unsealed

#: what the ids of public keys begin with; serials of certificates are hexadecimal
PUBLIC_KEY = "PUB_KEY_ID_"
#: certificates are fetched again after this; WeChat announces a new one a day before it signs
FETCH_AGAIN_S = 12 * 3600.0
#: between two fetchings, whatever anybody sends us; and after one that has failed
LEAST_BETWEEN_S, LEAST_AFTER_FAILURE_S = 60.0, 5.0
FETCH_WITHIN_S = 10.0


def certificates_in(api_v3_key: bytes, body: bytes) -> Mapping[str, Certificate]:
    """
    WeChat's certificates, by their serials.  They are believed, as only WeChat could seal them.

    @param body: of the answer to C{GET /v3/certificates}.
    @raise NoAnswer: if it is none for this merchant.
    """
    try:
        sealed = [each["encrypt_certificate"] for each in json.loads(body)["data"]]
        found = [load_pem_x509_certificate(unsealed(api_v3_key, each)) for each in sealed]
    except SealedOtherwise as error:
        raise NoAnswer("certificates that are sealed with another API v3 key") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoAnswer("an answer without certificates") from error
    return {serial_of(each): each for each in found}


def serial_of(certificate: Certificate) -> str:
    """As WeChat writes it."""
    return f"{certificate.serial_number:X}"


@define(eq=False)
class PlatformKeys:
    """
    @ivar fetch: asks for the certificates; fires with the body of the answer, and does not
        verify it.
    """

    merchant: Merchant
    fetch: Callable[[], Awaitable[bytes]]
    clock: IReactorTime
    _certificates: Mapping[str, Certificate] = field(factory=dict, init=False)
    _again_s: float = field(default=0.0, init=False)
    _fetched_s: float | None = field(default=None, init=False)
    _waiting: list["Deferred[None]"] = field(factory=list, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def known(self, serial: str) -> RSAPublicKey | None:
        """The key of a serial, if it is known by now and may sign today."""
        if serial == self.merchant.public_key_id:
            return self.merchant.public_key
        certificate = self._certificates.get(serial.upper().lstrip("0"))
        if certificate is None or not _is_valid(certificate, self._now()):
            return None
        return _key_of(certificate)

    async def find(self, serial: str) -> RSAPublicKey | None:
        """The key of a serial, from WeChat if it is not known; one that is waits for nothing."""
        key = self.known(serial)
        if serial.startswith(PUBLIC_KEY):
            return key
        refreshed = self._refreshed() if key is None or self._is_old() else None
        if key is None and refreshed is not None:
            await refreshed
            return self.known(serial)
        return key

    async def to_wechat(self) -> tuple[str, RSAPublicKey]:
        """
        The serial of a key by which only WeChat can read, and that key.

        @raise NoAnswer: if there is none.
        """
        if self.merchant.public_key_id and self.merchant.public_key:
            return self.merchant.public_key_id, self.merchant.public_key
        refreshed = self._refreshed() if self._is_old() else None
        if not self._valid() and refreshed is not None:
            await refreshed
        valid = self._valid()
        if not valid:
            raise NoAnswer("WeChat's certificates could not be fetched")
        newest = max(valid, key=lambda each: each.not_valid_after_utc)
        return serial_of(newest), _key_of(newest)

    def _valid(self) -> list[Certificate]:
        return [each for each in self._certificates.values() if _is_valid(each, self._now())]

    def _refreshed(self) -> "Deferred[None]":
        """When they have been fetched, or could not be.  Who stops waiting stops nobody else."""
        waiter: Deferred[None] = Deferred()
        if not self._waiting and self.clock.seconds() < self._again_s:
            waiter.callback(None)
            return waiter
        self._waiting.append(waiter)
        if len(self._waiting) == 1:
            fetched = Deferred.fromCoroutine(self._fetch())
            fetched.addTimeout(FETCH_WITHIN_S, self.clock)
            fetched.addErrback(self._failed)
            fetched.addCallback(self._go_on)
        return waiter

    async def _fetch(self) -> None:
        found = certificates_in(self.merchant.api_v3_key, await self.fetch())
        # one that is not listed any more goes on until it expires
        still = {
            serial: each
            for serial, each in self._certificates.items()
            if _is_valid(each, self._now())
        }
        self._certificates = {**still, **found}
        self._fetched_s = self.clock.seconds()
        self._again_s = self._fetched_s + LEAST_BETWEEN_S
        self._log.info(
            "WeChat's certificates for merchant {merchant}: {serials}",
            merchant=self.merchant.number,
            serials=sorted(self._certificates),
        )

    def _failed(self, failure: Any) -> None:
        self._again_s = self.clock.seconds() + LEAST_AFTER_FAILURE_S
        self._log.failure(
            "WeChat's certificates for merchant {merchant} could not be fetched",
            failure,
            merchant=self.merchant.number,
        )

    def _go_on(self, _result: None) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def _is_old(self) -> bool:
        fetched_s = self._fetched_s
        return fetched_s is None or self.clock.seconds() - fetched_s > FETCH_AGAIN_S

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.seconds(), UTC)


def _is_valid(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _key_of(certificate: Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise NoAnswer("a certificate of WeChat's with a key that is not RSA")
    return key
