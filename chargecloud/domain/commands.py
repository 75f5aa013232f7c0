"""Orders that go down to chargers: a closed list, and the answer to each.

What only one vendor has is a L{VendorCall}.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from chargecloud.domain.charger import LockOut
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.parameters import Values


@frozen
class Price:
    """A price of energy, up to an instant.

    @ivar until_s: Unix time at which the next price begins; the last one of a list holds on.
    @ivar millifen_per_kwh: in thousandths of a fen.
    """

    until_s: int
    millifen_per_kwh: int


@frozen
class StartCharge:
    """Close the relay for an order.

    @ivar valid_until_s: Unix time of the calendar after which the charger must refuse it,
        so that a start which a bad network delivers late does nothing.
    @ivar limit_energy_mwh: end at exactly this energy; C{None} is no limit.
    @ivar limit_duration_s: end after this much charging; C{None} is no limit.
    @ivar until_full: end when the charger finds the battery full.
    @ivar limit_amount_fen: end when C{prices} bring the energy to this much; C{None} is no
        limit.  It is exact at the platform: at the charger it serves when the cloud is away.
    @ivar cut_off: how the charger tells that nothing more is drawn; its own way if C{None}.
    @ivar prices: of the energy, by which the charger knows C{limit_amount_fen}, and at whose
        ends it notes its meter.
    """

    order_id: int
    port: int
    valid_until_s: int
    limit_energy_mwh: int | None = None
    limit_duration_s: int | None = None
    until_full: bool = True
    cut_off: CutOff | None = None
    limit_amount_fen: int | None = None
    prices: tuple[Price, ...] = ()


@frozen
class ChangeCharge:
    """Give a running order other limits.  What is C{None} stays as it is."""

    order_id: int
    port: int
    limit_energy_mwh: int | None = None
    limit_duration_s: int | None = None
    limit_amount_fen: int | None = None
    until_full: bool | None = None


@frozen
class StopCharge:
    """End an order's charge.  A port that runs another order ignores it."""

    order_id: int
    port: int


@frozen
class SetTime:
    """Tell the charger the time of the calendar, in Unix seconds."""

    unix_s: int


@frozen
class SetParameters:
    """Set what can be set."""

    parameters: Values


class Question(Enum):
    """What a charger can be asked to tell."""

    PORTS = "ports"
    PARAMETERS = "parameters"
    FIRMWARE = "firmware"
    #: what a later version may ask
    UNKNOWN = "unknown"


@frozen
class Query:
    """Tell it now, as a message of its own behind the answer."""

    question: Question


@frozen
class Reboot:
    """Start anew.  Charges end or go on by the charger's policy, as after a cut of its power.

    @ivar when_idle: wait until no port charges.
    """

    when_idle: bool = True


@frozen
class Locate:
    """Blink and beep, so that somebody who looks for it finds it."""

    for_s: int


@frozen
class LockOutCharger:
    """Keep a charger, or a port of it, from charging; C{LockOut.NONE} lifts that.

    @ivar port: C{None} for all of it.
    @ivar lifts_fire: whether the one who lifts it has the right to lift a fire lock-out.
    """

    lock_out: LockOut
    port: int | None = None
    lifts_fire: bool = False


@frozen
class ShowPrices:
    """Prices to show to those who stand there, of energy with all that belongs to it."""

    prices: tuple[Price, ...]


@frozen
class ShowText:
    """Words to show.

    @ivar for_s: C{None} for good; an empty text takes them away.
    """

    text: str
    for_s: int | None = None


class Phrase(Enum):
    """What a charger with a voice has recorded."""

    WELCOME = "welcome"
    CHARGE_BEGINS = "charge_begins"
    CHARGE_ENDS = "charge_ends"
    UNPLUG = "unplug"
    NO_MONEY = "no_money"
    OUT_OF_ORDER = "out_of_order"
    LEAVE_THE_ROOM = "leave_the_room"


@frozen
class Say:
    """Words to say: a phrase that was recorded, or a text for a charger that can read."""

    phrase: Phrase | None = None
    text: str | None = None
    port: int | None = None


@frozen
class UpdateCards:
    """What changes a list of cards into a newer one.

    @ivar from_version: the list that the charger must have; C{0} stands for an empty one,
        whatever it has.
    """

    from_version: int
    to_version: int
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@frozen
class ComeBack:
    """Hang up, and come back after between C{after_s} and twice of it, at random."""

    after_s: int


@frozen
class GoTo:
    """Connect to another address from now on; back to the one from the factory after
    C{tries} connections that came to no welcome.

    @ivar port: of TCP.
    """

    host: str
    port: int
    is_tls: bool = False
    tries: int = 10


@frozen
class OfferFirmware:
    """There is a newer firmware: fetch it in blocks, check it, and start it when no port
    charges.

    @ivar image: a number by which the charger asks for it.
    @ivar manifest: what the vendor has signed: hardware, build, size and digest.
    @ivar signature: Ed25519, by the vendor, of the manifest.
    """

    image: int
    manifest: bytes
    signature: bytes


@frozen
class WithdrawFirmware:
    """Do not fetch or start that image any more."""

    image: int


@frozen
class NewKey:
    """Make the next key from the present one and this nonce, and use it from the next
    connection on.

    @ivar generation: the number of the next key.
    @ivar nonce: 16 bytes.
    """

    generation: int
    nonce: bytes = field(repr=False)


@frozen
class VendorCall:
    """A command that only one dialect has."""

    dialect: str
    name: str
    fields: Mapping[str, Any] = field(factory=dict)


Command = (
    StartCharge
    | StopCharge
    | ChangeCharge
    | SetTime
    | SetParameters
    | Query
    | Reboot
    | Locate
    | LockOutCharger
    | ShowPrices
    | ShowText
    | Say
    | UpdateCards
    | ComeBack
    | GoTo
    | OfferFirmware
    | WithdrawFirmware
    | NewKey
    | VendorCall
)


#: the code of a start that the charger has accepted before anything is plugged in
WAITS_FOR_PLUG = "waits-for-plug"


@frozen
class Answer:
    """What a charger said to a command.

    @ivar code: C{"ok"}, or why not in the platform's words (C{"busy"}, C{"no-such-port"},
        C{"fault"}, C{"expired"}, C{"not-plugged"}, C{"unknown-command"}, C{"refused"},
        C{"charging"}, C{"locked-out"}, C{"other-version"}, C{"no-room"},
        C{"bad-signature"}, C{"other-hardware"}, C{"older"}).  A start that is accepted with
        L{WAITS_FOR_PLUG} begins when somebody plugs in, or not at all.
    """

    accepted: bool
    code: str = "ok"
    fields: Mapping[str, Any] = field(factory=dict)
