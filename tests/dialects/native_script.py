"""A session in which every message is said once: what the vectors are made of."""

from collections.abc import Callable
from typing import Any

from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.facts import BlockTicket, CardTicket, RecordTicket
from chargecloud.dialects.native.received import (
    BlockReceived,
    CardAnswered,
    HeartbeatAnswered,
    Kept,
    Ordered,
    Received,
)
from chargecloud.domain.charger import (
    ChargerTime,
    LockOut,
    PortState,
    RelayState,
)
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    ComeBack,
    Command,
    GoTo,
    Locate,
    LockOutCharger,
    NewKey,
    OfferFirmware,
    Phrase,
    Price,
    Query,
    Question,
    Reboot,
    Say,
    SetParameters,
    SetTime,
    ShowPrices,
    ShowText,
    StartCharge,
    StopCharge,
    UpdateCards,
    WithdrawFirmware,
)
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import (
    BoxReading,
    CardPresented,
    ChargeEnded,
    ChargePaused,
    ChargeStarted,
    FirmwareStage,
    FirmwareTold,
    FirmwareWanted,
    HazardTold,
    MeterMark,
    OfflineStart,
    Outcome,
    ParametersTold,
    PauseReason,
    PortReading,
    PortsReported,
    Reply,
    StopReason,
    TimeAsked,
)
from chargecloud.domain.hazards import Hazard, SafetyAction
from chargecloud.domain.parameters import Parameter
from chargecloud.interfaces import Alive, Answered, Heard, IConversation, Told
from tests.dialects.native_pair import BOOT, ENDED, IDENTITY, ORDER, REPORT, STARTED

FULL = PortsReported(
    ChargerTime(BOOT, 3_700),
    (
        PortReading(
            port=1,
            state=PortState.CHARGING,
            power_dw=1_500,
            meter_mwh=5_000_000,
            voltage_dv=2_290,
            current_ma=700,
            temperature_dc=251,
            order_id=ORDER + 1,
            power_factor_permille=953,
            leakage_ua=120,
            relay=RelayState.CLOSED,
        ),
    ),
    BoxReading(-87, 312, 900, smoke=False, water=False, door_open=True, lock_out=LockOut.NONE),
)
MOVED = PortsReported(
    ChargerTime(BOOT, 3_760),
    (
        PortReading(
            port=1,
            state=PortState.CHARGING,
            power_dw=1_490,
            meter_mwh=5_002_500,
            voltage_dv=2_290,
            current_ma=698,
            temperature_dc=253,
            order_id=ORDER + 1,
            power_factor_permille=951,
            leakage_ua=121,
            relay=RelayState.CLOSED,
        ),
    ),
)
#: a charge that was begun offline, with a card, and one with a code
BY_CARD = ChargeStarted(None, 3, 1_000_000, ChargerTime(7, 3_500), OfflineStart(5, "04A1B2C3"))
BY_CODE = ChargeEnded(
    None,
    3,
    1_000_000,
    1_900_000,
    3_600,
    StopReason.LIMIT_ENERGY,
    ChargerTime(6, 9_000),
    OfflineStart(4, code="0123456789012345"),
    marks=(MeterMark(1_800_003_600, 1_300_000), MeterMark(1_800_007_200, 1_600_000)),
)
CARD = CardPresented("04A1B2C3", 4, 6, ChargerTime(7, 3_610))
PAUSED = ChargePaused(ORDER, 2, PauseReason.HEAT, ChargerTime(7, 3_800))
HOT = HazardTold(
    Hazard.OVER_TEMPERATURE, SafetyAction.PORT_CUT, ChargerTime(7, 3_790), 2, value=861, limit=850
)
PARAMETERS = {Parameter.REPORT_S: 60, Parameter.CUT_TEMPERATURE_DC: 750}
WANTED = FirmwareWanted(image=12, offset=2_048, size=128)
FETCHING = FirmwareTold(12, FirmwareStage.FETCHING, 2_048)
REFUSED = Answer(accepted=False, code="not-plugged")

Say_ = Callable[[NativeCharger], None]

#: what the charger says behind its LOGIN, and what the cloud hears
UP: list[tuple[str, Say_, Heard]] = [
    ("HEARTBEAT", lambda c: c.heartbeat(), Alive(IDENTITY)),
    ("REPORT", lambda c: c.report(REPORT), Told(IDENTITY, REPORT)),
    ("STARTED", lambda c: c.started(41, STARTED), Told(IDENTITY, STARTED, RecordTicket(41))),
    ("ENDED", lambda c: c.ended(42, ENDED), Told(IDENTITY, ENDED, RecordTicket(42))),
    ("ANSWER", lambda c: c.answer(1, REFUSED), Answered(IDENTITY, 1, REFUSED)),
    ("TIME_WANTED", lambda c: c.ask_time(), Told(IDENTITY, TimeAsked())),
    ("STARTED", lambda c: c.started(43, BY_CARD), Told(IDENTITY, BY_CARD, RecordTicket(43))),
    (
        "CARD",
        lambda c: c.card(CARD.number, CARD.port, CARD.card_uid, CARD.at.uptime_s),
        Told(IDENTITY, CARD, CardTicket(6)),
    ),
    ("REPORT", lambda c: c.report(FULL, next_s=60), Told(IDENTITY, FULL)),
    ("DELTA", lambda c: c.report(MOVED), Told(IDENTITY, MOVED)),
    ("PAUSED", lambda c: c.paused(PAUSED), Told(IDENTITY, PAUSED)),
    ("ALARM", lambda c: c.hazard(44, HOT), Told(IDENTITY, HOT, RecordTicket(44))),
    (
        "PARAMETERS",
        lambda c: c.parameters(ParametersTold(PARAMETERS)),
        Told(IDENTITY, ParametersTold(PARAMETERS)),
    ),
    (
        "FIRMWARE_WANTED",
        lambda c: c.want_firmware(WANTED),
        Told(IDENTITY, WANTED, BlockTicket(12, 2_048)),
    ),
    ("FIRMWARE_STATE", lambda c: c.firmware(FETCHING), Told(IDENTITY, FETCHING)),
    ("ENDED", lambda c: c.ended(45, BY_CODE), Told(IDENTITY, BY_CODE, RecordTicket(45))),
    ("HEARTBEAT", lambda c: c.heartbeat(next_s=120), Alive(IDENTITY)),
]

PRICES = (Price(1_800_003_600, 75_000), Price(1_800_086_400, 110_000))
COMMANDS: list[tuple[str, Command]] = [
    (
        "START",
        StartCharge(
            ORDER, 2, valid_until_s=1_800_000_060, limit_energy_mwh=500_000, limit_duration_s=36_000
        ),
    ),
    ("STOP", StopCharge(ORDER, 2)),
    ("TIME", SetTime(1_800_000_001)),
    # a start with rules of a cut-off that are not the usual ones
    (
        "START",
        StartCharge(
            ORDER, 2, valid_until_s=1_800_000_060, cut_off=CutOff(full_w=35, float_hold_s=7_200)
        ),
    ),
    ("START", StartCharge(ORDER, 2, 1_800_000_060, limit_amount_fen=200, prices=PRICES)),
    ("CHANGE", ChangeCharge(ORDER, 2, limit_amount_fen=300, until_full=False)),
    ("SET", SetParameters(PARAMETERS)),
    ("QUERY", Query(Question.PARAMETERS)),
    ("REBOOT", Reboot(when_idle=True)),
    ("LOCATE", Locate(30)),
    ("LOCK", LockOutCharger(LockOut.NONE, port=2, lifts_fire=True)),
    ("PRICES", ShowPrices(PRICES)),
    ("SHOW", ShowText("暂停服务 out of service", 3_600)),
    ("SAY", Say(Phrase.UNPLUG, port=2)),
    ("CARDS", UpdateCards(3, 5, add=("04A1B2C3", "04FFEE"), remove=("0400",))),
    ("COME_BACK", ComeBack(30)),
    ("GO_TO", GoTo("cloud2.example.com", 9010, is_tls=True, tries=5)),
    ("FIRMWARE_OFFER", OfferFirmware(12, bytes(range(40)), bytes(range(64)))),
    ("NEW_KEY", NewKey(2, bytes(range(16)))),
    ("FIRMWARE_WITHDRAWAL", WithdrawFirmware(12)),
]
REPLIES: list[tuple[str, object, Reply, Received]] = [
    ("KEPT", RecordTicket(42), Reply(Outcome.KEPT), Kept(42, Outcome.KEPT)),
    (
        "KEPT",
        RecordTicket(43),
        Reply(Outcome.KEPT, order_id=ORDER),
        Kept(43, Outcome.KEPT, ORDER),
    ),
    (
        "CARD_ANSWER",
        CardTicket(6),
        Reply(Outcome.REFUSED, "insufficient-funds", balance_fen=35),
        CardAnswered(6, "insufficient-funds", balance_fen=35),
    ),
    (
        "FIRMWARE_BLOCK",
        BlockTicket(12, 2_048),
        Reply(Outcome.KEPT, block=bytes(range(100))),
        BlockReceived(12, 2_048, "ok", bytes(range(100))),
    ),
    # a block of the longest kind, in a long frame
    (
        "FIRMWARE_BLOCK",
        BlockTicket(12, 4_096),
        Reply(Outcome.KEPT, block=bytes(range(256)) * 4),
        BlockReceived(12, 4_096, "ok", bytes(range(256)) * 4),
    ),
]

Do = Callable[[IConversation], None]


def _ordered(number: int, command: Command) -> Do:
    return lambda cloud: cloud.command(IDENTITY, number, command)


def _answered(ticket: object, reply: Reply) -> Do:
    return lambda cloud: cloud.acknowledge(IDENTITY, ticket, reply)


def _nothing(_cloud: Any) -> None:
    """It was answered as it was heard."""


#: what the cloud says then, and what the charger receives
DOWN: list[tuple[str, Do, Received]] = [
    *[("HEARTBEAT_ANSWER", _nothing, HeartbeatAnswered())] * 5,
    *[
        (name, _ordered(number, command), Ordered(number, command))
        for number, (name, command) in enumerate(COMMANDS, start=1)
    ],
    *[(name, _answered(ticket, reply), received) for name, ticket, reply, received in REPLIES],
]
