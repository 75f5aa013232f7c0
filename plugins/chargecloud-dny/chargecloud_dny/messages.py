"""The messages of DNY, as tables: AP3000 protocol, edition 8.6, and host protocol, edition 2.9.

Up are those that a device begins, down those that we begin; a reply has the command and the
number of what it replies to.  Units: 0.1 V, 0.1 W, mA, 0.01 kWh, 0.01 yuan, s, Unix time;
temperatures are degrees + 65, and 0 is no sensor.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import frozen

from chargecloud.dialects.layouts import REST, U8, U16, U32, Field, Fields, Layout, later, raw, text

#: of a message that is not answered, seconds to its next try; a device writes a block of
#: firmware before it answers
RESEND_S = 15.0
FIRMWARE_RESEND_S = 30.0
#: an order waits 15 s for the answer to its start, and the second try's must be there by then
START_RESEND_S = 6.0


class Reply(Enum):
    """How what a device says is answered."""

    #: the device waits for nothing
    NEVER = "never"
    #: with "done", whatever comes of it
    AT_ONCE = "at once"
    #: with "done", when it is committed: until then the device keeps it, and says it again
    COMMITTED = "committed"
    #: by what the platform has to say to it
    ASKED = "asked"


NOTHING = Layout()


@frozen
class Message:
    """
    A row.

    @ivar layout: of the data of the one who begins.
    @ivar answer: of the reply; C{None} if there is none.
    @ivar reply: how a device's message is answered.
    @ivar tries: how often ours is sent until it is answered, every C{resend_s} seconds.
    @ivar short_answer: of a reply of as many bytes as old devices send.
    """

    command: int
    name: str
    layout: Layout = NOTHING
    answer: Layout | None = None
    reply: Reply = Reply.NEVER
    tries: int = 2
    resend_s: float = RESEND_S
    short_answer: tuple[int, Layout] | None = None

    def read_answer(self, data: bytes) -> Fields:
        """
        The values of a reply.

        @raise BadFrame: if it is too short.
        """
        if self.short_answer is not None and len(data) <= self.short_answer[0]:
            return self.short_answer[1].read(data)
        return (self.answer or NOTHING).read(data)


RESULT = Layout(Field("result", U8))
TIME = Layout(Field("unix_s", U32))
ORDER = raw(16)
UID = raw(4)

_SETTLED = (
    Field("duration_s", U16),
    Field("most_power_dw", U16),
    Field("energy_10wh", U16),
    Field("port", U8),
    Field("start_mode", U8),
    Field("card", UID),
    Field("reason", U8),
    Field("order", ORDER),
)


def _by_command(rows: Iterable[Message]) -> Mapping[int, Message]:
    return {row.command: row for row in rows}


UP = _by_command(
    [
        Message(
            0x01,
            "old_heartbeat",
            Layout(
                Field("firmware", U16),
                Field("voltage_dv", U16),
                Field("ports", U8),
                Field("states", U8, count="ports"),
                Field("powers_dw", U16, count="ports"),
                Field("most_powers_dw", U16, count="ports"),
                Field("virtual_id", U8),
                Field("signal", U8),
                Field("device_type", U8),
                *later(Field("temperature", U8), Field("work_mode", U8)),
            ),
            RESULT,
            Reply.AT_ONCE,
        ),
        Message(
            0x02,
            "card",
            Layout(
                Field("card", UID),
                Field("card_type", U8),
                Field("port", U8),
                Field("balance_fen", U16),
                *later(
                    Field("unix_s", U32),
                    Field("extra_size", U8),
                    Field("extra", U8, count="extra_size"),
                ),
            ),
            Layout(
                Field("card", UID),
                Field("status", U8),
                Field("rate_mode", U8),
                Field("balance_fen", U32),
                Field("port", U8),
            ),
            Reply.ASKED,
        ),
        Message(
            0x03,
            "settlement",
            Layout(
                *_SETTLED,
                *later(
                    Field("second_power_dw", U16),
                    Field("unix_s", U32),
                    Field("occupied_min", U16),
                ),
            ),
            RESULT,
            Reply.COMMITTED,
        ),
        Message(
            0x04,
            "started",
            Layout(
                Field("port", U8),
                Field("start_mode", U8),
                Field("card", UID),
                Field("duration_s", U16),
                Field("order", ORDER),
            ),
            Layout(Field("port", U8), Field("result", U8)),
            Reply.COMMITTED,
        ),
        Message(
            0x05,
            "wants_firmware",
            Layout(Field("device_type", U8), Field("firmware", U16), Field("package", U32)),
        ),
        Message(
            0x06,
            "power",
            Layout(
                Field("port", U8),
                Field("state", U8),
                Field("duration_s", U16),
                Field("energy_10wh", U16),
                Field("start_mode", U8),
                Field("power_dw", U16),
                Field("most_power_dw", U16),
                Field("least_power_dw", U16),
                Field("average_power_dw", U16),
                Field("order", ORDER),
                *later(
                    Field("period_energy", U16),
                    Field("peak_power_dw", U16),
                    Field("voltage_dv", U16),
                    Field("current_ma", U16),
                    Field("ambient", U8),
                    Field("temperature", U8),
                    Field("unix_s", U32),
                    Field("occupied_min", U16),
                ),
            ),
        ),
        Message(
            0x11,
            "host_heartbeat",
            Layout(
                Field("firmware", U16),
                Field("clock_kind", U8),
                Field("unix_s", U32),
                Field("signal", U8),
                Field("module_kind", U8),
                Field("iccid", text(20)),
                Field("host_type", U8),
                Field("frequency", U16),
                *later(Field("imei", text(15)), Field("module_version", text(24))),
            ),
        ),
        Message(0x12, "host_asks_time", answer=TIME, reply=Reply.ASKED),
        Message(0x15, "host_wants_firmware", answer=RESULT, reply=Reply.AT_ONCE),
        Message(
            0x17,
            "host_status",
            Layout(
                Field("breaker", U8),
                Field("temperature", U8),
                Field("voltage_dv", U16),
                Field("current_10ma", U16),
                Field("energy_10wh", U32),
                Field("meter_current_10ma", U16),
                Field("meter_energy_10wh", U32),
                Field("smoke", U8),
                Field("alarm_relay", U8),
                *later(
                    Field("leakage_ma", U8),
                    Field("live_temperature", U8),
                    Field("neutral_temperature", U8),
                    Field("lock", U8),
                    Field("breaker_model", U8),
                ),
            ),
        ),
        Message(
            0x20,
            "register",
            Layout(
                Field("firmware", U16),
                Field("ports", U8),
                Field("virtual_id", U8),
                Field("device_type", U8),
                Field("work_mode", U8),
                *later(Field("power_board", U16)),
            ),
            RESULT,
            Reply.AT_ONCE,
        ),
        Message(
            0x21,
            "heartbeat",
            Layout(
                Field("voltage_dv", U16),
                Field("ports", U8),
                Field("states", U8, count="ports"),
                Field("signal", U8),
                Field("temperature", U8),
            ),
            RESULT,
            Reply.AT_ONCE,
        ),
        Message(0x22, "asks_time", answer=TIME, reply=Reply.ASKED),
        Message(0x35, "slaves", Layout(Field("count", U8), Field("slaves", raw(8), count="count"))),
        Message(0x3B, "asks_slaves", Layout(Field("frequency", U16)), reply=Reply.ASKED),
        Message(
            0x41, "cabinet", Layout(Field("ports", U8), Field("doors", U32), Field("fans", U32))
        ),
        Message(0x42, "alarm", Layout(Field("kind", U8), Field("port", U8), Field("trigger", U8))),
        Message(0x43, "finished", Layout(*_SETTLED)),
        Message(0x44, "push", Layout(Field("kind", U8), Field("port", U8), Field("order", ORDER))),
    ]
)

_BLOCK = Layout(Field("total", U16), Field("index", U16), Field("block", REST))
_BLOCK_TAKEN = Layout(Field("result", U8), Field("index", U16))
#: the first message of a host's is empty
_BLOCK_OR_NOTHING = Layout(*later(Field("total", U16), Field("index", U16), Field("block", REST)))
_BASIC = (
    Field("unplug_power_dw", U16),
    Field("unplug_s", U16),
    Field("float_percent", U8),
    Field("float_detect_s", U16),
    Field("float_s", U16),
    Field("heartbeat_s", U16),
)
_FINE = (
    Field("dynamic_overload_dw", U16),
    Field("dynamic_overload_s", U16),
    Field("dynamic_overload_from_s", U16),
    Field("unplug_noise_dw", U8),
    Field("unplug_noise_s", U16),
    Field("second_float_at_s", U16),
    Field("second_float_s", U16),
    Field("least_power_dw", U16),
    Field("least_power_s", U16),
    Field("second_power_at_s", U16),
    Field("ambient_alarm_c", U8),
    Field("port_alarm_c", U8),
    Field("optocoupler", U8),
    Field("lamp", U8),
)
_LIMITS = (
    Field("most_s", U16),
    Field("overload_dw", U16),
    *later(Field("over_voltage_dv", U16), Field("under_voltage_dv", U16)),
)
_CARD_KEYS = (Field("sector", U8), Field("user_key", raw(6)), Field("new_key", raw(6)))
_VALUE = Layout(Field("value", U8))


def _firmware(command: int, name: str, layout: Layout = _BLOCK) -> Message:
    return Message(command, name, layout, _BLOCK_TAKEN, tries=4, resend_s=FIRMWARE_RESEND_S)


DOWN = _by_command(
    [
        Message(0x31, "reboot_host", answer=RESULT),
        Message(0x32, "reboot_module", answer=RESULT),
        Message(0x33, "clear_slaves_firmware", answer=RESULT),
        Message(
            0x34,
            "set_server",
            Layout(
                Field("server_port", U16),
                Field("module_kind", U8),
                Field("socket", U8),
                Field("address", text(46)),
            ),
            RESULT,
        ),
        Message(
            0x3A,
            "set_slaves",
            Layout(
                Field("frequency", U16),
                Field("reserved", raw(3)),
                Field("count", U8),
                Field("slaves", U32, count="count"),
            ),
            RESULT,
        ),
        Message(
            0x72,
            "stop_door_shut",
            Layout(Field("port", U8), Field("order", ORDER)),
            Layout(Field("result", U8), Field("order", ORDER)),
        ),
        Message(0x81, "query", tries=1),
        Message(
            0x82,
            "charge",
            Layout(
                Field("rate_mode", U8),
                Field("balance_fen", U32),
                Field("port", U8),
                Field("is_on", U8),
                Field("amount", U16),
                Field("order", ORDER),
                Field("most_s", U16),
                Field("overload_dw", U16),
                *later(
                    Field("lamp", U8),
                    Field("long_charge", U8),
                    Field("extra_float_s", U16),
                    Field("skip_short_check", U8),
                    Field("ignore_unplug", U8),
                    Field("stop_when_full", U8),
                    Field("full_power_w", U8),
                    Field("full_power_most_min", U8),
                ),
            ),
            Layout(
                Field("result", U8),
                Field("order", ORDER),
                Field("port", U8),
                Field("pending_ports", U16),
            ),
            resend_s=START_RESEND_S,
            short_answer=(2, Layout(Field("result", U8), Field("port", U8))),
        ),
        Message(0x83, "set_basic", Layout(*_BASIC), RESULT),
        Message(0x84, "set_fine", Layout(*_FINE), RESULT),
        Message(0x85, "set_limits", Layout(*_LIMITS), RESULT),
        Message(0x86, "set_card_keys", Layout(*_CARD_KEYS), RESULT),
        Message(0x87, "reboot", answer=RESULT, tries=1),
        Message(0x88, "wipe", answer=RESULT, tries=1),
        Message(
            0x8A,
            "change",
            Layout(Field("mode", U8), Field("port", U8), Field("value", U16)),
            RESULT,
        ),
        Message(
            0x8B,
            "read_memory",
            Layout(Field("address", U16), Field("size", U8)),
            Layout(Field("result", U8), Field("bytes", REST)),
        ),
        Message(
            0x8C,
            "write_memory",
            Layout(Field("address", U16), Field("size", U8), Field("bytes", U8, count="size")),
            RESULT,
        ),
        Message(0x8D, "set_work_mode", _VALUE, RESULT),
        Message(
            0x8E,
            "set_qr",
            Layout(Field("screen", U8), Field("reserved", raw(3)), Field("url", text(72))),
            RESULT,
        ),
        Message(0x8F, "set_card_mode", _VALUE, RESULT),
        Message(0x90, "tell_basic", answer=Layout(*_BASIC)),
        Message(0x91, "tell_fine", answer=Layout(*_FINE)),
        Message(0x92, "tell_limits", answer=Layout(*_LIMITS)),
        Message(0x93, "tell_card_keys", answer=Layout(*_CARD_KEYS)),
        Message(0x95, "show_qr", Layout(Field("text", text(200))), RESULT),
        Message(0x96, "locate", Layout(Field("seconds", U8)), RESULT),
        Message(0x97, "mute", _VALUE, RESULT),
        Message(0x98, "function", Layout(Field("function", U8), Field("port", U8)), RESULT),
        _firmware(0xE0, "firmware_e0"),
        _firmware(0xE1, "firmware_e1"),
        _firmware(0xE2, "firmware_e2"),
        Message(0xE4, "upgrade_yourself", tries=1),
        _firmware(0xF8, "firmware_old"),
        _firmware(0xF9, "firmware_old_host"),
        _firmware(0xFA, "firmware_host", _BLOCK_OR_NOTHING),
    ]
)
#: ours by their names
BY_NAME = {message.name: message for message in DOWN.values()}
