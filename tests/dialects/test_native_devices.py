"""Devices behind a charger: each has its own stream and key, and suffers alone."""

from collections.abc import Sequence

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.host import MOST_DEVICES
from chargecloud.dialects.native.received import HeartbeatAnswered, Relayed, Welcomed
from chargecloud.domain.charger import Secret
from chargecloud.domain.errors import BadFrame, LimitExceeded, RemoteError
from chargecloud.interfaces import Alive, Claimed, Credentials, Gone, Heard, Proven
from tests.dialects.native_pair import GREETING, IDENTITY, Pair, open_pair


def secret_of(identity: str) -> Secret:
    """Each device's own."""
    return Secret(identity.encode().ljust(16, b"\0"), 1)


@define
class Street:
    """A host with devices behind it, and the cloud."""

    pair: Pair = field(factory=open_pair)
    devices: dict[int, NativeCharger] = field(factory=dict)
    heard: list[Heard] = field(factory=list)

    def add(self, address: int, identity: str, key: bytes | None = None) -> NativeCharger:
        """A device that is switched on."""
        secret = Secret(key, 1) if key is not None else secret_of(identity)
        device = self.devices[address] = NativeCharger(identity, secret, 1, 0)
        device.hello(1)
        return device

    def carry(self, size: int = 50) -> Sequence[Heard]:
        """Carry what all have to say, in pieces of so many bytes; what the cloud heard now."""
        heard: list[Heard] = []
        moved = True
        while moved:
            for address, device in self.devices.items():
                data = device.data_to_send()
                for at in range(0, len(data), size):
                    self.pair.charger.relay(address, data[at : at + size])
            up = self.pair.charger.data_to_send()
            heard += self._take(self.pair.cloud.receive(up)) if up else []
            down = self.pair.cloud.data_to_send()
            for received in self.pair.charger.receive(down) if down else ():
                if isinstance(received, Relayed) and received.address in self.devices:
                    self._give(received)
            moved = bool(up or down)
        self.heard += heard
        return heard

    def _take(self, heard: Sequence[Heard]) -> list[Heard]:
        found = list(heard)
        for each in heard:
            if isinstance(each, Claimed):
                credentials = Credentials(secret_of(each.identity))
                self.pair.cloud.welcome(each.identity, credentials, GREETING)
                found += self._take(self.pair.cloud.receive(b""))
        return found

    def _give(self, received: Relayed) -> None:
        if not received.data:
            del self.devices[received.address]
            return
        device = self.devices[received.address]
        for each in device.receive(received.data):
            assert isinstance(each, Welcomed | HeartbeatAnswered)


@given(st.lists(st.integers(1, 255), min_size=1, max_size=8, unique=True), st.integers(1, 253))
def test_each_device_is_heard_by_its_own_name(addresses: list[int], size: int) -> None:
    """Through frames of any size; and the host beside them."""
    street = Street()
    for address in addresses:
        street.add(address, f"D-{address}")
    street.carry(size)
    assert {each.identity for each in street.heard if isinstance(each, Proven)} == {
        f"D-{address}" for address in addresses
    }
    for device in street.devices.values():
        device.heartbeat()
    street.pair.charger.heartbeat()
    alive = [each.identity for each in street.carry(size) if isinstance(each, Alive)]
    assert sorted(alive) == sorted([IDENTITY, *(f"D-{address}" for address in addresses)])


def test_a_device_with_a_wrong_key_loses_its_stream_alone() -> None:
    """Its neighbour and its host go on."""
    street = Street()
    street.add(1, "D-1")
    street.carry()
    stranger = street.add(2, "D-2", key=bytes(16))
    with pytest.raises(RemoteError):
        street.carry()
    # the device has hung up; what it may say all the same ends its stream at the cloud
    del street.devices[2]
    street.pair.charger.relay(2, b"\xc2\x09" + bytes(9))
    assert Gone("D-2") in street.carry()
    street.devices[1].heartbeat()
    street.pair.charger.heartbeat()
    assert {each.identity for each in street.carry()} == {"D-1", IDENTITY}
    assert stranger.data_to_send() == b""


def test_what_one_device_sealed_opens_in_no_other_stream() -> None:
    """A host that mixes them up, or wants to: the stream that it is put into ends."""
    street = Street()
    one, _two = street.add(1, "D-1"), street.add(2, "D-2")
    street.carry()
    one.heartbeat()
    frame = one.data_to_send()
    street.pair.charger.relay(2, frame)
    assert Gone("D-2") in street.carry()
    # it was not used up by that, and is good where it belongs
    street.pair.charger.relay(1, frame)
    assert [each.identity for each in street.carry()] == ["D-1"]


def test_a_host_cannot_speak_as_its_device() -> None:
    """Nor can a device speak as its host, or as another device that is there."""
    street = Street()
    street.add(1, "D-1")
    street.carry()
    street.pair.charger.relay(1, b"\xc2\x09" + bytes(9))
    assert street.carry() == [Gone("D-1")]
    # one that says it is the host
    street.devices.clear()
    street.add(3, IDENTITY)
    assert street.carry() == []
    assert street.devices == {}
    street.pair.charger.heartbeat()
    assert street.carry() == [Alive(IDENTITY)]


def test_devices_have_a_limit_and_an_address() -> None:
    """What no host has ends the connection."""
    street = Street()
    for address in range(1, MOST_DEVICES + 1):
        street.add(address, f"D-{address}")
    street.carry()
    street.add(MOST_DEVICES + 1, "D-more")
    with pytest.raises(LimitExceeded):
        street.carry()
    street = Street()
    with pytest.raises(BadFrame):
        street.pair.cloud.receive(b"\xc4\x01\x00")


@given(st.lists(st.tuples(st.integers(1, 3), st.binary(max_size=30)), max_size=12))
def test_whatever_devices_say_their_host_goes_on(frames: list[tuple[int, bytes]]) -> None:
    """No bytes of a device end another's stream."""
    street = Street()
    for address, data in frames:
        street.pair.charger.relay(address, data)
    street.carry()
    street.pair.charger.heartbeat()
    assert Alive(IDENTITY) in street.carry()
