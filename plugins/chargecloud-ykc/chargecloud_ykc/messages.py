"""The messages of YKC, as tables: protocol V1.6 (2021), which V1.5 has all of but A1 to A4.

Up are those of piles, down those of the platform.  Units: 0.1 V, 0.1 A, 0.0001 kWh, 0.00001 yuan
for a kWh, 0.0001 yuan, 0.01 yuan (fen), minutes; temperatures are degrees + 50, and 0 is no sensor.
"""

from collections.abc import Iterable, Mapping

from attrs import frozen

from chargecloud.dialects.layouts import REST, U8, U16, U32, Field, Fields, Layout, raw, text
from chargecloud.domain.errors import BadFrame
from chargecloud_ykc.kinds import CARD, CP56, GUN, U40, bcd

PILE = Field("pile", bcd(7))
_GUN = Field("gun", GUN)
TRADE = Field("trade", bcd(16))
_RESULT = Field("result", U8)
_REASON = Field("reason", U8)
_MODEL = Field("model", bcd(2))
_BALANCE = Field("balance_fen", U32)
_GROUP = Field("group", bcd(6))
_IS_MAIN = Field("is_main", U8)
#: of a day
SLOTS = 48
PERIODS = ("sharp", "peak", "flat", "valley")


@frozen
class Message:
    """
    A row.

    @ivar answer: type of the message that answers it; C{None} if none does.
    @ivar list_of: the field that a call may give more of than one frame holds.
    """

    kind: int
    name: str
    layout: Layout
    answer: int | None = None
    list_of: str | None = None

    def read(self, body: bytes) -> Fields:
        """
        The values of a body.

        @raise BadFrame: if it has not exactly the size that the document gives it: cousins of the
            protocol share its numbers, and mean other things.
        """
        values = self.layout.read(body)
        size = 0
        for field in self.layout.fields:
            if field.kind.size is None:
                return values
            size += field.kind.size * (values[field.count] if field.count else 1)
        if len(body) != size:
            raise BadFrame(f"{self.name} has {len(body)} bytes where there must be {size}")
        return values


_PRICES = (
    PILE,
    _MODEL,
    *[
        Field(f"{period}_{part}", U32)
        for period in PERIODS
        for part in ("electricity_e5", "service_e5")
    ],
    Field("loss_percent", U8),
    Field("slots", raw(SLOTS)),
)
_ASKS_START = (
    PILE,
    _GUN,
    Field("mode", U8),
    Field("needs_password", U8),
    Field("card", CARD),
    Field("password", raw(16)),
    Field("vin", raw(17)),
)
_MAY_START = (
    TRADE,
    PILE,
    _GUN,
    Field("logical_card", CARD),
    _BALANCE,
    Field("is_authorised", U8),
    _REASON,
)
_START = (TRADE, PILE, _GUN, Field("logical_card", CARD), Field("card", CARD), _BALANCE)
_BMS = Layout(TRADE, PILE, _GUN, Field("data", REST))


def _by_kind(rows: Iterable[Message]) -> Mapping[int, Message]:
    return {row.kind: row for row in rows}


UP = _by_kind(
    [
        Message(
            0x01,
            "login",
            Layout(
                PILE,
                Field("pile_type", U8),
                Field("guns", U8),
                Field("version", U8),
                Field("program", text(8)),
                Field("network", U8),
                Field("sim", bcd(10)),
                Field("operator", U8),
            ),
            answer=0x02,
        ),
        Message(0x03, "heartbeat", Layout(PILE, _GUN, Field("status", U8)), answer=0x04),
        Message(0x05, "check_model", Layout(PILE, _MODEL), answer=0x06),
        Message(0x09, "ask_model", Layout(PILE), answer=0x0A),
        Message(
            0x13,
            "reading",
            Layout(
                TRADE,
                PILE,
                _GUN,
                Field("state", U8),
                Field("is_homed", U8),
                Field("is_plugged", U8),
                Field("voltage_dv", U16),
                Field("current_da", U16),
                Field("cable_temperature", U8),
                Field("cable_code", raw(8)),
                Field("charged_percent", U8),
                Field("battery_temperature", U8),
                Field("minutes", U16),
                Field("minutes_left", U16),
                Field("energy_e4", U32),
                Field("loss_energy_e4", U32),
                Field("money_e4", U32),
                Field("faults", U16),
            ),
        ),
        # what the car's battery says (GB/T 27930), and the charger to it
        Message(0x15, "bms_handshake", _BMS),
        Message(0x17, "bms_parameters", _BMS),
        Message(0x19, "bms_end", _BMS),
        Message(0x1B, "bms_error", _BMS),
        Message(0x1D, "bms_stops", _BMS),
        Message(0x21, "charger_stops", _BMS),
        Message(0x23, "bms_wants", _BMS),
        Message(0x25, "bms_state", _BMS),
        Message(0x31, "ask_start", Layout(*_ASKS_START), answer=0x32),
        Message(0x33, "start_reply", Layout(TRADE, PILE, _GUN, _RESULT, _REASON)),
        Message(0x35, "stop_reply", Layout(PILE, _GUN, _RESULT, _REASON)),
        Message(
            0x3B,
            "record",
            Layout(
                TRADE,
                PILE,
                _GUN,
                Field("started", CP56),
                Field("ended", CP56),
                *[
                    Field(f"{period}_{part}", U32)
                    for period in PERIODS
                    for part in ("price_e5", "energy_e4", "loss_energy_e4", "money_e4")
                ],
                Field("start_meter_e4", U40),
                Field("end_meter_e4", U40),
                Field("energy_e4", U32),
                Field("loss_energy_e4", U32),
                Field("money_e4", U32),
                Field("vin", text(17)),
                Field("begun_by", U8),
                Field("traded", CP56),
                _REASON,
                Field("card", CARD),
            ),
            answer=0x40,
        ),
        Message(0x41, "balance_reply", Layout(PILE, Field("card", CARD), _RESULT)),
        Message(0x43, "cards_reply", Layout(PILE, _RESULT, _REASON)),
        Message(0x45, "forget_cards_reply", Layout(PILE, Field("results", REST))),
        Message(0x47, "query_cards_reply", Layout(PILE, Field("results", REST))),
        Message(0x51, "work_reply", Layout(PILE, _RESULT)),
        Message(0x55, "time_reply", Layout(PILE, Field("at", CP56))),
        Message(0x57, "set_model_reply", Layout(PILE, _RESULT)),
        Message(0x61, "lock_state", Layout(PILE, _GUN, Field("data", REST))),
        Message(0x63, "lock_reply", Layout(PILE, _GUN, _RESULT, Field("reserved", raw(4)))),
        Message(0x91, "reboot_reply", Layout(PILE, _RESULT)),
        Message(0x93, "update_reply", Layout(PILE, _RESULT)),
        Message(0xA1, "ask_parallel", Layout(*_ASKS_START, _IS_MAIN, _GROUP), answer=0xA2),
        Message(
            0xA3,
            "start_parallel_reply",
            Layout(TRADE, PILE, _GUN, _RESULT, _REASON, _IS_MAIN, _GROUP),
        ),
        Message(0xF1, "qr_reply", Layout(PILE, _RESULT)),
    ]
)

DOWN = _by_kind(
    [
        Message(0x02, "login_reply", Layout(PILE, _RESULT)),
        Message(0x04, "heartbeat_reply", Layout(PILE, _GUN, Field("status", U8))),
        Message(0x06, "check_model_reply", Layout(PILE, _MODEL, _RESULT)),
        Message(0x0A, "model", Layout(*_PRICES)),
        Message(0x12, "query", Layout(PILE, _GUN), answer=0x13),
        Message(0x32, "may_start", Layout(*_MAY_START)),
        Message(0x34, "start", Layout(*_START), answer=0x33),
        Message(0x36, "stop", Layout(PILE, _GUN), answer=0x35),
        Message(0x40, "record_reply", Layout(TRADE, _RESULT)),
        Message(0x42, "balance", Layout(PILE, _GUN, Field("card", CARD), _BALANCE), answer=0x41),
        Message(
            0x44,
            "cards",
            Layout(PILE, Field("count", U8), Field("cards", raw(16), count="count")),
            answer=0x43,
            list_of="cards",
        ),
        Message(
            0x46,
            "forget_cards",
            Layout(PILE, Field("count", U8), Field("cards", CARD, count="count")),
            answer=0x45,
            list_of="cards",
        ),
        Message(
            0x48,
            "query_cards",
            Layout(PILE, Field("count", U8), Field("cards", CARD, count="count")),
            answer=0x47,
            list_of="cards",
        ),
        Message(
            0x52,
            "work",
            Layout(PILE, Field("is_locked", U8), Field("most_power_percent", U8)),
            answer=0x51,
        ),
        Message(0x56, "time", Layout(PILE, Field("at", CP56)), answer=0x55),
        Message(0x58, "set_model", Layout(*_PRICES), answer=0x57),
        Message(
            0x62,
            "lock",
            Layout(PILE, _GUN, Field("operation", U8), Field("reserved", raw(4))),
            answer=0x63,
        ),
        Message(0x92, "reboot", Layout(PILE, Field("when", U8)), answer=0x91),
        Message(
            0x94,
            "update",
            Layout(
                PILE,
                Field("pile_model", U8),
                Field("power", U16),
                Field("ftp_host", text(16)),
                Field("ftp_port", U16),
                Field("user", text(16)),
                Field("password", text(16)),
                Field("path", text(32)),
                Field("when", U8),
                Field("timeout_minutes", U8),
            ),
            answer=0x93,
        ),
        Message(0xA2, "may_start_parallel", Layout(*_MAY_START, _GROUP)),
        Message(0xA4, "start_parallel", Layout(*_START, _GROUP), answer=0xA3),
        Message(
            0xF0,
            "qr",
            Layout(
                PILE,
                Field("format", U8),
                Field("length", U8),
                Field("prefix", U8, count="length"),
            ),
            answer=0xF1,
        ),
    ]
)

BY_NAME: Mapping[str, Message] = {row.name: row for rows in (UP, DOWN) for row in rows.values()}
