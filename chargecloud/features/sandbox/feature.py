"""The feature, as the platform sees it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import treq
from attrs import frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.web.client import Agent
from twisted.web.http_headers import Headers
from zope.interface import implementer

from chargecloud.domain.fields import choice, whole
from chargecloud.features.sandbox.api import routes
from chargecloud.features.sandbox.channel import SandboxChannel
from chargecloud.interfaces import FeatureParts, IFeature, Platform

#: the far side's own patience with a receipt
RECEIPT_S = 5.0


@frozen(kw_only=True)
class SandboxSettings:
    """C{[sandbox]}: payments without money, for demonstrations and trials."""

    payments: bool = choice("whether the payment channel sandbox is there", default=False)
    pays_after_s: int = whole(
        "a payment is paid by itself after this; 0: only when somebody pays it",
        default=0,
        most=86_400,
    )


@implementer(IFeature)
@frozen
class SandboxFeature:
    """Lets people try out payments."""

    name: str = "sandbox"
    settings: type = SandboxSettings
    migrations: Path | None = None

    def build(self, settings: SandboxSettings, platform: Platform) -> FeatureParts:
        """Make its channel, if it is wanted."""
        if not settings.payments:
            return FeatureParts()
        channel = SandboxChannel(
            clock=platform.reactor,
            calendar=platform.calendar,
            post=_post_by(platform.reactor),
            pays_after_s=settings.pays_after_s,
            since=platform.calendar.now(),
        )
        return FeatureParts(routes=tuple(routes(channel)), payment_channels=(channel,))


def _post_by(reactor: Any) -> Any:
    async def send(url: str, headers: Mapping[str, str], body: bytes) -> int:
        client = HTTPClient(Agent(reactor, connectTimeout=RECEIPT_S))
        response = await client.post(
            url,
            headers=Headers({name: [value] for name, value in headers.items()}),
            data=body,
            timeout=RECEIPT_S,
        )
        await treq.content(response)
        return int(response.code)

    def post(url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[int]":
        return Deferred.fromCoroutine(send(url, headers, body))

    return post
