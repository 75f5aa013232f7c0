"""What a simulated charger says on one connection, and when.

Sans-IO: bytes and the calendar in, bytes out, and how long there is nothing to do.  What
is not sent yet is bounded: of records only L{RECORD_WINDOW} are on their way at a time,
and reports to a cloud that does not answer cease with the connection, after L{MISSED}
heartbeats.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from attrs import define, field

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.received import (
    CardAnswered,
    HeartbeatAnswered,
    Kept,
    Ordered,
    Received,
    Refused,
    Welcomed,
)
from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.errors import NotAdmitted, RemoteError
from chargecloud.domain.events import ChargeStarted, Outcome, PortsReported
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.readings import read_port, state_of

#: how often ports that charge are reported, in seconds of the calendar
REPORT_S = 60
#: however fast the calendar runs, a charger reports no oftener than this, in real seconds
REPORT_LEAST_REAL_S = 0.5
#: records that wait for their acknowledgement; the cloud keeps twice as many while it
#: commits a login
RECORD_WINDOW = 16
#: real seconds after which a record without an acknowledgement is sent again
RESEND_S = 30.0
#: real seconds within which the cloud welcomes a charger
WELCOME_DEADLINE_S = 15.0
#: heartbeats without any answer, after which the connection counts as dead
MISSED = 3
#: a timer that fires this much late never has to fire again because it was early
MARGIN_S = 0.005


class Silent(RemoteError):
    """The cloud has said nothing for too long."""

    code = "silent"


@define(eq=False)
class Session:
    """
    One connection of a charger.

    @ivar line: the protocol's own side of it.
    @ivar is_welcome: whether the cloud has welcomed the charger.
    @ivar retry_s: after which a cloud that has no time now wants to be asked again.
    """

    charger: SimulatedCharger
    line: NativeCharger
    calendar: Calendar
    is_welcome: bool = field(default=False, init=False)
    retry_s: int | None = field(default=None, init=False)
    _heartbeat_s: float = field(default=0.0, init=False)
    _sent_s: float = field(default=0.0, init=False)
    _heard_s: float = field(default=0.0, init=False)
    _beat_s: float = field(default=0.0, init=False)
    _report_due_s: int = field(default=0, init=False)
    _told: dict[int, PortState] = field(factory=dict, init=False)
    _records_sent: dict[int, float] = field(factory=dict, init=False)

    def open(self) -> None:
        """The connection has been made."""
        self._heard_s = self._beat_s = self._sent_s = self.calendar.seconds()
        self.charger.advance(self.calendar.now())
        self.line.hello(self.charger.uptime_s)

    def receive(self, data: bytes) -> None:
        """
        Take bytes as they came.

        @raise RemoteError: close the connection.
        """
        for received in self.line.receive(data):
            self._heard_s = self.calendar.seconds()
            _TAKE[type(received)](self, received)

    def work(self) -> None:
        """
        Say what is due.

        @raise Silent: if the cloud has said nothing for too long.
        """
        now_s = self.calendar.seconds()
        if now_s >= self._silent_s:
            raise Silent("the cloud says nothing")
        if not self.is_welcome:
            return
        self.charger.advance(self.calendar.now())
        if any([self._send_records(now_s), self._ask_cards(), self._report()]):
            self._sent_s = now_s
        if now_s >= self._heartbeat_due_s:
            self.line.heartbeat()
            self._sent_s = self._beat_s = now_s

    def close(self) -> None:
        """The connection has gone."""
        if self.is_welcome:
            self.charger.hang_up()

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        return self.line.data_to_send()

    @property
    def idle_s(self) -> float:
        """Real seconds until there is work, if nothing happens before."""
        now_s = self.calendar.seconds()
        dues = [self._silent_s - now_s]
        if self.is_welcome:
            dues.append(self._heartbeat_due_s - now_s)
            dues += [sent_s + RESEND_S - now_s for sent_s in self._records_sent.values()]
            dues += [self._until(uptime_s) for uptime_s in self._uptimes_due()]
        return max(0.0, min(dues)) + MARGIN_S

    # ----------------------------------------------------------------- what is due when

    @property
    def _silent_s(self) -> float:
        """When a cloud that goes on saying nothing is given up."""
        patience_s = MISSED * self._heartbeat_s if self.is_welcome else WELCOME_DEADLINE_S
        return self._heard_s + patience_s

    @property
    def _heartbeat_due_s(self) -> float:
        """A heartbeat is due when nothing was said, or nothing heard, since the last one:
        reports are not answered, and so do not tell whether the cloud is alive."""
        return max(self._beat_s, min(self._sent_s, self._heard_s)) + self._heartbeat_s

    def _uptimes_due(self) -> list[int]:
        dues = [] if self.charger.next_end_s is None else [self.charger.next_end_s]
        return [*dues, self._report_due_s] if self.charger.memory.is_charging else dues

    def _until(self, uptime_s: int) -> float:
        """Real seconds until the charger's uptime has come to that."""
        at = self.charger.booted_at + timedelta(seconds=uptime_s)
        return (at - self.calendar.now()).total_seconds() / self.calendar.anchor.speed

    # ------------------------------------------------------------------ what is said

    def _send_records(self, now_s: float) -> bool:
        """Send the oldest records that wait, and those again that were not acknowledged."""
        said = False
        for number, record in list(self.charger.memory.records.items())[:RECORD_WINDOW]:
            if now_s < self._records_sent.get(number, -RESEND_S) + RESEND_S:
                continue
            send = self.line.started if isinstance(record, ChargeStarted) else self.line.ended
            send(number, record)  # type: ignore[arg-type]
            self._records_sent[number] = now_s
            said = True
        return said

    def _ask_cards(self) -> bool:
        """Ask about the cards that are held to the readers."""
        questions = self.charger.cards.take_questions()
        for card in questions:
            self.line.card(card.number, card.port, card.uid, card.uptime_s)
        return bool(questions)

    def _report(self) -> bool:
        """Report all ports that charge when it is time, and at once what has changed."""
        ports = self.charger.memory.ports
        uptime_s = self.charger.uptime_s
        is_time = uptime_s >= self._report_due_s
        wanted = [
            port
            for port in ports
            if (is_time and port.charge is not None)
            or self._told.get(port.number) is not state_of(port)
        ]
        if not wanted:
            return False
        readings = tuple([read_port(port) for port in wanted])
        self.line.report(PortsReported(ChargerTime(self.charger.memory.boot, uptime_s), readings))
        self._told.update({reading.port: reading.state for reading in readings})
        if is_time:
            least_s = int(REPORT_LEAST_REAL_S * self.calendar.anchor.speed)
            self._report_due_s = uptime_s + max(REPORT_S, least_s)
        return True

    # --------------------------------------------------------------- what is received

    def _take_welcome(self, welcomed: Welcomed) -> None:
        self.charger.advance(self.calendar.now())
        self.charger.set_clock(welcomed.unix_s)
        self._heartbeat_s = float(welcomed.heartbeat_s)
        self.is_welcome = self.charger.is_online = True

    def _take_command(self, ordered: Ordered) -> None:
        answer = self.charger.obey(ordered.command, self.calendar.now())
        self.line.answer(ordered.number, answer)
        self._sent_s = self.calendar.seconds()

    def _take_outcome(self, kept: Kept) -> None:
        if kept.outcome is not Outcome.LATER:
            self.charger.forget(kept.record, kept.order_id)
            self._records_sent.pop(kept.record, None)

    def _take_refusal(self, refused: Refused) -> None:
        self.retry_s = refused.retry_s
        raise NotAdmitted(f"the cloud does not want this charger: code {refused.code}")

    def _take_card(self, answered: CardAnswered) -> None:
        # whether it charges is seen by the lamp; an order that it got comes as any other
        self.charger.cards.answered(answered.number, answered.code)

    def _take_answer(self, _answered: HeartbeatAnswered) -> None:
        """That something was heard is all that it tells."""


_TAKE: Mapping[type[Received], Callable[[Session, Any], None]] = {
    Welcomed: Session._take_welcome,
    Ordered: Session._take_command,
    Kept: Session._take_outcome,
    Refused: Session._take_refusal,
    CardAnswered: Session._take_card,
    HeartbeatAnswered: Session._take_answer,
}
