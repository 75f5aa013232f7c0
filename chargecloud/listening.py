"""Where the platform listens: what the configuration says of a place, made into a port."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from chargecloud.config import ChargerListener
from chargecloud.gateway.certificates import asking_certificates
from chargecloud.gateway.prompt import IS_POSSIBLE, PromptReactor, SharingPromptReactor
from chargecloud.gateway.sharing import SharingReactor
from chargecloud.interfaces import IDialect, ILenientDialect


class NotHandedOver(Exception):
    """A C{systemd:} endpoint, and systemd has given nothing for it."""


async def listen(
    reactor: Any,
    endpoint: str,
    factory: IProtocolFactory,
    *,
    is_prompt: bool = False,
    is_shared: bool = False,
) -> IListeningPort:
    """
    Listen at an endpoint.

    @param is_prompt: whether answers are sent when they are written, where that is possible.
    @param is_shared: whether other processes listen at the same address.
    @raise NotHandedOver: if systemd should have given a socket for it.
    """
    if is_prompt and IS_POSSIBLE:
        reactor = SharingPromptReactor(reactor) if is_shared else PromptReactor(reactor)
    elif is_shared:
        reactor = SharingReactor(reactor)
    try:
        listening = serverFromString(reactor, endpoint)
    except LookupError as error:
        raise NotHandedOver(f"systemd has handed over no socket for {endpoint}") from error
    port: IListeningPort = await listening.listen(factory)
    return port


def served_at(
    listener: ChargerListener,
    speaking: Callable[[Sequence[IDialect]], Any],
    installed: Mapping[str, IDialect],
) -> tuple[IProtocolFactory, Sequence[str]]:
    """
    What chargers are served with at a listener, and the names of the dialects spoken there.

    @param speaking: makes it of dialects.
    @param installed: all that there are, by their names.
    """
    names: Sequence[str] = listener.dialects or tuple(installed)
    spoken = [installed[name] for name in names]
    if listener.strict:
        spoken = [strictly(each) for each in spoken]
    factory: IProtocolFactory = speaking(spoken)
    if listener.tls is not None:
        factory = asking_certificates(listener.tls, factory)
    return factory, names


def strictly(dialect: IDialect) -> IDialect:
    """A dialect that makes nothing good, if there is such a one of it."""
    lenient: Any = dialect
    return lenient.strictly() if ILenientDialect.providedBy(dialect) else dialect


def place_of(port: IListeningPort) -> str:
    """Where a person, or a client on this machine, finds it."""
    address: Any = port.getHost()
    if not hasattr(address, "host"):
        return str(address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104
    return f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}"


def client_endpoint(port: IListeningPort) -> str:
    """The endpoint string of a client on this machine."""
    address: Any = port.getHost()
    host = place_of(port).rpartition(":")[0].strip("[]")
    return f"tcp:{quoteStringArgument(host)}:{address.port}"
