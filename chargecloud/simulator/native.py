"""The own protocol, as simulated chargers speak it."""

from attrs import evolve
from zope.interface import implementer

from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.simulator.card_reader import LIST_ROOM
from chargecloud.simulator.session import Session
from chargecloud.simulator.speaking import Connecting, ISession, ISimulatedDialect


@implementer(ISimulatedDialect)
class SimulatedNative:
    """See L{ISimulatedDialect}."""

    name = "native"

    def identity(self, number: int, ports: int) -> str:
        """C{SIM-0001} and on."""
        return f"SIM-{number:04d}"

    def session(self, connecting: Connecting) -> ISession:
        """A session with the key that it is the turn of."""
        charger = connecting.charger
        assert charger.keys is not None, "a charger that connects has a key"
        secret = charger.keys.secret(before=connecting.goes_back)
        memory = charger.memory
        facts = evolve(connecting.facts, card_list=memory.list_version, card_slots=LIST_ROOM)
        line = NativeCharger(charger.identity, secret, memory.boot, connecting.number, facts)
        return Session(charger, line, connecting.calendar, connecting.liveness, secret.generation)
