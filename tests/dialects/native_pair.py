"""A charger and the cloud, joined without a network, for the native protocol's tests."""

from collections.abc import Sequence

from attrs import define

from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.keys import CCM, Seal, session_key
from chargecloud.dialects.native.received import Received
from chargecloud.domain.charger import ChargerTime, PortState, Secret
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    PortReading,
    PortsReported,
    StopReason,
)
from chargecloud.interfaces import Credentials, Greeting, Heard, IConversation

IDENTITY = "EB-20260001234"
SECRET = Secret(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), generation=1)
FACTS = Facts(
    firmware="1.4.2",
    hardware="B2",
    iccid="89860012345678901234",
    imei="861234567890123",
    port_count=4,
)
GREETING = Greeting(unix_s=1_800_000_000, heartbeat_s=60)
BOOT, CONNECTION, UPTIME_S = 7, 3, 12

ORDER = 0x0123456789ABCDEF
REPORT = PortsReported(
    ChargerTime(BOOT, 3_600),
    tuple(
        PortReading(
            port=port,
            state=PortState.CHARGING,
            power_dw=2_345,
            meter_mwh=123_456_789,
            voltage_dv=2_201,
            current_ma=1_066,
            temperature_dc=-52,
            order_id=ORDER + port,
        )
        for port in (1, 2, 3, 4)
    ),
)
STARTED = ChargeStarted(ORDER, 2, 1_000_000, ChargerTime(BOOT, 100))
ENDED = ChargeEnded(
    ORDER, 2, 1_000_000, 1_450_000, 7_200, StopReason.FULL, ChargerTime(BOOT, 7_400)
)


def entropy(size: int) -> bytes:
    """A server nonce that everybody can guess."""
    return bytes(range(0xA0, 0xA0 + size))


@define
class Pair:
    """The two ends of one connection."""

    charger: NativeCharger
    cloud: IConversation

    def up(self) -> Sequence[Heard]:
        """Carry what the charger has to send, and say what the cloud heard."""
        return self.cloud.receive(self.charger.data_to_send())

    def down(self) -> Sequence[Received]:
        """Carry what the cloud has to send, and say what the charger received."""
        return self.charger.receive(self.cloud.data_to_send())

    def welcome(self, login_digest: bytes | None = None) -> None:
        """Let the registry know the charger."""
        self.cloud.welcome(IDENTITY, Credentials(SECRET, login_digest), GREETING)


def new_pair(suites: int = CCM.bit) -> Pair:
    """A connection on which nothing was said yet."""
    charger = NativeCharger(IDENTITY, SECRET, BOOT, CONNECTION, FACTS, suites)
    return Pair(charger, NativeDialect(entropy).conversation())


def claimed_pair(suites: int = CCM.bit) -> Pair:
    """The charger has said who it is."""
    pair = new_pair(suites)
    pair.charger.hello(UPTIME_S)
    pair.up()
    return pair


def login_due_pair() -> Pair:
    """The charger has its welcome, and its LOGIN is on the way."""
    pair = claimed_pair()
    pair.welcome()
    pair.down()
    return pair


def proof_due_pair() -> Pair:
    """The charger has its welcome, and need not log in."""
    pair = claimed_pair()
    pair.welcome(FACTS.digest)
    pair.down()
    return pair


def open_pair(suites: int = CCM.bit) -> Pair:
    """The charger has logged in."""
    pair = claimed_pair(suites)
    pair.welcome()
    pair.down()
    pair.up()
    return pair


def _key() -> bytes:
    pair = new_pair()
    pair.charger.hello(UPTIME_S)
    hello = pair.charger.data_to_send()
    pair.cloud.receive(hello)
    pair.welcome()
    return session_key(SECRET.key, hello + pair.cloud.data_to_send()[:20])


def seal_of_charger(frames_sent: int) -> Seal:
    """The seal that the charger of any pair here has, for saying what a good one would not.

    @param frames_sent: how many sealed frames the cloud has had from it.
    """
    seal = Seal.of_charger(CCM, _key())
    for _ in range(frames_sent):
        seal.frame(b"")
    return seal


def seal_of_cloud(frames_sent: int) -> Seal:
    """The seal that the cloud of any pair here has; WELCOME counts as the first frame."""
    seal = Seal.of_cloud(CCM, _key())
    for _ in range(frames_sent):
        seal.frame(b"")
    return seal
