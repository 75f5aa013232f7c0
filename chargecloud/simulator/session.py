"""What a simulated charger says on one connection, and when.

Sans-IO: bytes and the calendar in, bytes out, and how long there is nothing to do.  What
is not sent yet is bounded: of records only L{RECORD_WINDOW} are on their way at a time,
and reports to a cloud that does not answer cease with the connection, which is found dead
as L{chargecloud.simulator.liveness} has it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from attrs import define, field
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.codes import RefusalCode
from chargecloud.dialects.native.received import (
    CardAnswered,
    HeartbeatAnswered,
    Kept,
    Ordered,
    Received,
    Refused,
    Welcomed,
)
from chargecloud.domain.charger import ChargerTime, LockOut, PortState
from chargecloud.domain.commands import ComeBack, Query, Question
from chargecloud.domain.errors import NotAdmitted, RemoteError
from chargecloud.domain.events import (
    BoxReading,
    ChargeStarted,
    Outcome,
    ParametersTold,
    PortsReported,
)
from chargecloud.domain.parameters import Parameter
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.liveness import Liveness
from chargecloud.simulator.readings import read_port, state_of
from chargecloud.simulator.speaking import ISession

#: how often ports that charge are reported, in seconds of the calendar
REPORT_S = 60
#: and how often all ports are, in full
FULL_REPORT_S = 3_600
#: records that wait for their acknowledgement; the cloud keeps twice as many while it
#: commits a login
RECORD_WINDOW = 16
#: real seconds after which a record without an acknowledgement is sent again
RESEND_S = 30.0
#: real seconds within which the cloud welcomes a charger
WELCOME_DEADLINE_S = 15.0
#: a timer that fires this much late never has to fire again because it was early
MARGIN_S = 0.005


class Silent(RemoteError):
    """The cloud has said nothing for too long."""

    code = "silent"


@implementer(ISession)
@define(eq=False)
class Session:
    """
    One connection of a charger.

    @ivar line: the protocol's own side of it.
    @ivar is_welcome: whether the cloud has welcomed the charger.
    @ivar retry_s: after which the cloud wants to be asked again: it has no time now, or has
        sent the charger away for a while.
    @ivar is_leaving: whether to hang up, once what is to be sent is sent.
    @ivar was_refused: whether the cloud knows no such charger, or not with this key.
    """

    charger: SimulatedCharger
    line: NativeCharger
    calendar: Calendar
    liveness: Liveness
    generation: int
    is_welcome: bool = field(default=False, init=False)
    retry_s: int | None = field(default=None, init=False)
    is_leaving: bool = field(default=False, init=False)
    was_refused: bool = field(default=False, init=False)
    _opened_s: float = field(default=0.0, init=False)
    _report_due_s: int = field(default=0, init=False)
    _full_due_s: int = field(default=0, init=False)
    _asked_parameters: bool = field(default=False, init=False)
    _told: dict[int, PortState] = field(factory=dict, init=False)
    _records_sent: dict[int, float] = field(factory=dict, init=False)

    def open(self) -> None:
        """The connection has been made."""
        self._opened_s = self.calendar.seconds()
        self.charger.advance(self.calendar.now())
        self.line.hello(self.charger.uptime_s)

    def receive(self, data: bytes) -> None:
        """
        Take bytes as they came.

        @raise RemoteError: close the connection.
        """
        for received in self.line.receive(data):
            _TAKE[type(received)](self, received)

    def work(self) -> None:
        """
        Say what is due.

        @raise Silent: if the cloud has said nothing for too long.
        """
        now_s = self.calendar.seconds()
        if not self.is_welcome:
            if now_s >= self._opened_s + WELCOME_DEADLINE_S:
                raise Silent("the cloud does not welcome")
            return
        if self.liveness.is_dead(now_s):
            raise Silent("the cloud says nothing")
        self.charger.advance(self.calendar.now())
        if any([self._send_records(now_s), self._ask_cards(), self._tell_parameters()]):
            self.liveness.said(now_s, is_answered=False)
        if self._report():
            self.liveness.said(now_s, is_answered=True)
        if now_s >= self.liveness.due_s(now_s, is_charging=self._is_charging):
            promise_s = self.liveness.promise_s(now_s, is_charging=self._is_charging)
            self.line.heartbeat(int(promise_s))
            self.liveness.said(now_s, is_answered=True)

    @property
    def _is_charging(self) -> bool:
        return self.charger.memory.is_charging

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
        dues = [self._opened_s + WELCOME_DEADLINE_S - now_s]
        if self.is_welcome:
            dues = [self.liveness.due_s(now_s, is_charging=self._is_charging) - now_s]
            dues += [sent_s + RESEND_S - now_s for sent_s in self._records_sent.values()]
            dues += [self._until(uptime_s) for uptime_s in self._uptimes_due()]
        return max(0.0, min(dues)) + MARGIN_S

    # ----------------------------------------------------------------- what is due when

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

    def _tell_parameters(self) -> bool:
        """What is set, if that was asked for."""
        is_asked, self._asked_parameters = self._asked_parameters, False
        if is_asked:
            told = {Parameter(word): n for word, n in self.charger.memory.parameters.items()}
            self.line.parameters(ParametersTold(told))
        return is_asked

    def _report(self) -> bool:
        """Report all ports that charge when it is time, and at once what has changed; all of
        them in full now and then."""
        ports = self.charger.memory.ports
        uptime_s = self.charger.uptime_s
        is_time, in_full = uptime_s >= self._report_due_s, uptime_s >= self._full_due_s
        wanted = [
            port
            for port in ports
            if in_full
            or (is_time and port.charge is not None)
            or self._told.get(port.number) is not state_of(port)
        ]
        if not wanted:
            return False
        readings = tuple([read_port(port) for port in wanted])
        at = ChargerTime(self.charger.memory.boot, uptime_s)
        lock_out = self.charger.memory.lock_outs.get(0, LockOut.NONE)
        box = BoxReading(lock_out=lock_out) if in_full else None
        self.line.report(PortsReported(at, readings, box), in_full=in_full)
        if in_full:
            self._full_due_s = uptime_s + FULL_REPORT_S
        for reading in readings:
            self.charger.tells(reading)
        self._told.update({reading.port: reading.state for reading in readings})
        if is_time:
            least_s = int(self.charger.report_least_real_s * self.calendar.anchor.speed)
            self._report_due_s = uptime_s + max(REPORT_S, least_s)
        return True

    # --------------------------------------------------------------- what is received

    def _take_welcome(self, welcomed: Welcomed) -> None:
        self.charger.advance(self.calendar.now())
        self.charger.set_clock(welcomed.unix_s)
        now_s = self.calendar.seconds()
        self.liveness.welcomed(now_s, welcomed.heartbeat_s, welcomed.heartbeat_most_s)
        if self.charger.keys is not None:
            self.charger.keys.proved(self.generation)
            self.charger.changed()
        self.is_welcome = self.charger.is_online = True

    def _take_command(self, ordered: Ordered) -> None:
        answer = self.charger.obey(ordered.command, self.calendar.now())
        self.line.answer(ordered.number, answer)
        self.liveness.said(self.calendar.seconds(), is_answered=False)
        command = ordered.command
        if isinstance(command, ComeBack):
            self.retry_s, self.is_leaving = max(command.after_s, 1), True
        elif isinstance(command, Query) and command.question is Question.PORTS:
            self._full_due_s = 0
        elif isinstance(command, Query) and command.question is Question.PARAMETERS:
            self._asked_parameters = True

    def _take_outcome(self, kept: Kept) -> None:
        if kept.outcome is not Outcome.LATER:
            self.charger.forget(kept.record, kept.order_id)
            self._records_sent.pop(kept.record, None)

    def _take_refusal(self, refused: Refused) -> None:
        self.retry_s = refused.retry_s
        self.was_refused = refused.code == RefusalCode.UNKNOWN_CHARGER
        raise NotAdmitted(f"the cloud does not want this charger: code {refused.code}")

    def _take_card(self, answered: CardAnswered) -> None:
        # whether it charges is seen by the lamp; an order that it got comes as any other
        self.charger.cards.answered(answered.number, answered.code)

    def _take_answer(self, _answered: HeartbeatAnswered) -> None:
        """The cloud is alive."""
        self.liveness.heard(is_charging=self._is_charging)


_TAKE: Mapping[type[Received], Callable[[Session, Any], None]] = {
    Welcomed: Session._take_welcome,
    Ordered: Session._take_command,
    Kept: Session._take_outcome,
    Refused: Session._take_refusal,
    CardAnswered: Session._take_card,
    HeartbeatAnswered: Session._take_answer,
}
