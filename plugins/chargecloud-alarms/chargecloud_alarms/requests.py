"""Requests to servers that a configuration names, and to no other.

A URL may lead into the operator's own network, by its address or by its name: that is refused
where it is not wanted, after the name was resolved and for the very address that is connected to.
"""

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from attrs import frozen
from treq.client import HTTPClient
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import optionsForClientTLS
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

CONNECT_S, ANSWER_S = 10.0, 20.0
#: of an answer that is no success, for the log
MOST_SHOWN = 200


class NotTaken(Exception):
    """The other server has not taken an alarm."""


def is_public(address: IAddress) -> bool:
    """Whether anybody on the Internet could connect there as well."""
    if not isinstance(address, IPv4Address | IPv6Address):
        return False
    return ip_address(address.host.partition("%")[0]).is_global


@implementer(IResolutionReceiver)
@frozen(eq=False)
class _PublicOnly:
    """Passes on the addresses that are public."""

    receiver: Any

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802
        """The name is being looked up."""
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        """It has this address."""
        if is_public(address):
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        """It has no others."""
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
@frozen
class PublicResolver:
    """Finds the public addresses of names."""

    within: Any

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: IResolutionReceiver,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        """Look a name up."""
        receiver = _PublicOnly(resolutionReceiver)
        found: IHostResolution = self.within.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return found


@implementer(IReactorPluggableNameResolver)
class _Resolving:
    """The reactor, with another resolver."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.nameResolver = PublicResolver(reactor.nameResolver)

    def installNameResolver(self, resolver: Any) -> Any:  # noqa: N802
        """Nobody does."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@implementer(IAgentEndpointFactory)
@frozen
class Endpoints:
    """
    Where requests may go.

    @ivar private: whether into private networks too.
    """

    reactor: Any
    private: bool

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:  # noqa: N802
        """The endpoint of a URL; a name that has no public address cannot be connected to."""
        reactor = self.reactor if self.private else _Resolving(self.reactor)
        endpoint = HostnameEndpoint(reactor, uri.host, uri.port, timeout=CONNECT_S)
        if uri.scheme != b"https":
            return endpoint
        return wrapClientTLS(optionsForClientTLS(uri.host.decode("ascii")), endpoint)


@frozen
class Poster:
    """
    Asks, and takes anything but a success for a failure.  It follows no redirection.

    @ivar answer_s: seconds until an answer has begun.
    """

    reactor: Any
    private: bool = False
    answer_s: float = ANSWER_S

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """
        Post JSON, or nothing at all: of no body there is no type.

        @return: the body of the answer.
        @raise NotTaken: if the answer is no success.
        """
        kind = {"Content-Type": "application/json"} if body else {}
        return await self._ask("POST", url, body, {**kind, **headers})

    async def get(self, url: str) -> bytes:
        """
        @return: the body of the answer.
        @raise NotTaken: if the answer is no success.
        """
        return await self._ask("GET", url, None, {})

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        factory = Endpoints(self.reactor, self.private)
        client = HTTPClient(Agent.usingEndpointFactory(self.reactor, factory))
        sent: dict[bytes | str, bytes | str] = {}
        sent.update(headers.items())
        asking: Deferred[Any] = client.request(
            method,
            url,
            data=body,
            headers=sent,
            timeout=self.answer_s,
            allow_redirects=False,
            reactor=self.reactor,
        )
        response = await asking
        content: bytes = await response.content()
        if not 200 <= response.code < 300:
            shown = content[:MOST_SHOWN].decode("utf-8", "replace")
            raise NotTaken(f"{response.code}: {shown}")
        return content


def told_in(answer: bytes) -> Mapping[str, Any]:
    """
    The JSON object of an answer: many a server refuses with success, and says so in there.

    @raise NotTaken: if it is none.
    """
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise NotTaken(f"no JSON: {answer[:80]!r}") from error
    if not isinstance(told, dict):
        raise NotTaken(f"no JSON object: {answer[:80]!r}")
    return told
