"""One connection without I/O: recognition, sessions, and the steps of the table."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, StopCharge, VendorCall
from chargecloud.domain.errors import (
    BadFrame,
    ChargerOffline,
    LimitExceeded,
    NotAdmitted,
    OutOfOrder,
    Refusal,
)
from chargecloud.domain.events import Outcome, Reply, VendorEvent
from chargecloud.gateway.connection import (
    MOST_CHARGERS,
    MOST_FIRST_BYTES,
    MOST_KEPT,
    AskAdmission,
    AskCredentials,
    Connection,
    Deliver,
    GiveAnswer,
    Session,
    Wish,
)
from chargecloud.gateway.machine import TRANSITIONS, Action, Input, State
from chargecloud.gateway.recorder import FlightRecorder
from chargecloud.interfaces import Credentials, Greeting
from tests.gateway.line_dialect import PREAMBLE, LineDialect, Undecided

ADMISSION = Admission(1, 1, 1, 1, datetime(2026, 11, 23, tzinfo=UTC))
PING = VendorCall("lines", "ping")


def connection(*dialects: LineDialect | NativeDialect) -> Connection:
    """A new connection."""
    return Connection(
        dialects or (LineDialect(),),
        lambda: Greeting(1_800_000_000, 30),
        FlightRecorder(8),
        lambda: 0.0,
        lambda _dialect, _seconds: None,
    )


def begun(*boxes: str) -> Connection:
    """A host's connection, with open sessions of its boxes."""
    made = connection()
    made.receive(PREAMBLE)
    for box in boxes:
        made.receive(f"login {box}\n".encode())
        made.admitted(box, ADMISSION)
    return made


def ends(box: str, *numbers: int) -> bytes:
    """Lines that tell facts."""
    return b"".join(f"end {box} {number}\n".encode() for number in numbers)


def tickets(wishes: object) -> list[object]:
    """The tickets of facts that are to be delivered."""
    assert isinstance(wishes, list)
    return [wish.ticket for wish in wishes if isinstance(wish, Deliver)]


# ------------------------------------------------------------------------------ recognition


def test_a_dialect_is_recognised_when_its_first_bytes_come_one_by_one() -> None:
    """Until the bytes tell, nothing is said and nothing refused."""
    shared = connection(NativeDialect(), LineDialect())
    for place in range(len(PREAMBLE) - 1):
        assert shared.receive(PREAMBLE[place : place + 1]) == ()
        assert shared.dialect is None
    shared.receive(PREAMBLE[-1:])
    assert shared.dialect is not None
    assert shared.dialect.name == "lines"


def test_what_was_held_back_while_undecided_is_not_lost() -> None:
    """The conversation is given all bytes from the first on."""
    shared = connection(NativeDialect(), LineDialect())
    shared.receive(PREAMBLE[:3])
    assert shared.receive(PREAMBLE[3:] + b"claim A\n") == [AskCredentials("A")]


def test_bytes_of_no_dialect_are_refused() -> None:
    """A browser or a scanner on the chargers' port learns nothing."""
    shared = connection(NativeDialect(), LineDialect())
    with pytest.raises(BadFrame, match="47455420"):
        shared.receive(b"GET / HTTP/1.1\r\n")
    assert shared.data_to_send() == b""


def test_an_undecided_beginning_has_a_limit() -> None:
    """A dialect that cannot tell by then never will."""
    stubborn = connection(Undecided())
    stubborn.receive(b"x" * MOST_FIRST_BYTES)
    with pytest.raises(LimitExceeded):
        stubborn.receive(b"x")


def test_an_undecided_dialect_does_not_stand_in_the_way() -> None:
    """Another one that is sure gets the connection."""
    shared = connection(Undecided(), LineDialect())
    shared.receive(PREAMBLE)
    assert shared.dialect is not None
    assert shared.dialect.name == "lines"


# ------------------------------------------------------------------------- the table, carried out


def give(made: Connection, given_input: Input) -> None:
    """Bring an input to box A in the way in which it comes in service."""
    match given_input:
        case Input.CLAIM:
            made.receive(b"claim A\n")
        case Input.CREDENTIALS:
            made.credentials("A", Credentials(None))
        case Input.NO_CREDENTIALS:
            made.credentials("A", None)
        case Input.POSTPONED:
            made.postpone("A", 17)
        case Input.PROOF:
            made.receive(b"login A\n")
        case Input.ADMITTED:
            made.admitted("A", ADMISSION)
        case Input.REFUSED:
            made.refused("A")
        case Input.FACT:
            made.receive(ends("A", 1))
        case Input.ANSWER:
            made.receive(b"ok A 1\n")
        case Input.LIFE:
            made.receive(b"beat A\n")
        case Input.COMMAND:
            made.command("A", PING)
        case Input.GONE:
            made.receive(b"gone A\n")


@given(st.sampled_from(State), st.sampled_from(Input))
def test_a_connection_takes_the_tables_step_or_none(state: State, given_input: Input) -> None:
    """Over the whole product: a legal step, or an error that leaves the session as it was."""
    made = begun()
    session = made.sessions["A"] = Session("A", state, ADMISSION)
    row = TRANSITIONS.get((state, given_input))
    if row is None:
        error = ChargerOffline if given_input is Input.COMMAND else OutOfOrder
        with pytest.raises(error):
            give(made, given_input)
        assert session.state is state
        return
    action, after = row
    if action is Action.TURN_AWAY:
        with pytest.raises(NotAdmitted):
            give(made, given_input)
    else:
        give(made, given_input)
    assert session.state is after


def test_a_charger_without_secrets_is_asked_for_at_once() -> None:
    """It proves itself by claiming."""
    made = begun()
    (wish,) = made.receive(b"login A\n")
    assert isinstance(wish, AskAdmission)
    assert (wish.identity, wish.login.boot, wish.login_digest) == ("A", 1, None)


def test_a_stranger_is_told_so_and_turned_away() -> None:
    """The dialect's refusal waits to be sent when the connection is given up."""
    made = begun()
    made.receive(b"claim A\n")
    with pytest.raises(NotAdmitted, match="'A'"):
        made.credentials("A", None)
    assert made.data_to_send() == b"unknown A\n"


# ----------------------------------------------------------------------- facts before admission


def test_facts_wait_for_the_admission_in_their_order() -> None:
    """What comes behind the login is delivered after it, under its epoch."""
    made = begun()
    assert tickets(made.receive(b"login A\n" + ends("A", 1, 2))) == []
    assert tickets(made.receive(ends("A", 3))) == []
    wishes = made.admitted("A", ADMISSION)
    assert wishes == [
        Deliver("A", ADMISSION, VendorEvent("lines", "end", {"number": number}), number)
        for number in ("1", "2", "3")
    ]
    assert tickets(made.receive(ends("A", 4))) == ["4"]


def test_facts_before_the_admission_have_a_limit() -> None:
    """So many are kept and no more; those who share the connection do not suffer for it."""
    made = begun()
    made.receive(b"login A\n" + ends("A", *range(MOST_KEPT + 3)))
    made.receive(b"login B\n" + ends("B", 7))
    assert tickets(made.admitted("A", ADMISSION)) == [str(n) for n in range(MOST_KEPT)]
    assert tickets(made.admitted("B", ADMISSION)) == ["7"]


# ------------------------------------------------------------------------------ several chargers


def test_each_charger_of_a_host_has_a_session_of_its_own() -> None:
    """One is open and one is being admitted; facts of each take their own way."""
    made = begun("A")
    made.receive(b"login B\n")
    assert tickets(made.receive(ends("B", 1) + ends("A", 2))) == ["2"]
    assert tickets(made.admitted("B", ADMISSION)) == ["1"]


def test_what_becomes_of_facts_is_told_apart_by_charger() -> None:
    """The same ticket of two boxes is two tickets."""
    made = begun("A", "B")
    made.receive(ends("A", 1) + ends("B", 1))
    made.acknowledge("B", "1", Reply(Outcome.KEPT))
    assert made.data_to_send() == b"kept B 1\n"
    made.acknowledge("A", "1", Reply(Outcome.LATER))
    assert made.data_to_send() == b""


def test_a_charger_that_never_logged_in_tells_nothing() -> None:
    """The session of a neighbour does not open its way."""
    made = begun("A")
    with pytest.raises(OutOfOrder):
        made.receive(ends("B", 1))


def test_a_connection_carries_so_many_chargers_and_no_more() -> None:
    """Identities are invented more cheaply than sessions are kept."""
    made = begun()
    for number in range(MOST_CHARGERS):
        made.receive(f"claim A{number}\n".encode())
    with pytest.raises(LimitExceeded):
        made.receive(b"claim B\n")
    assert len(made.sessions) == MOST_CHARGERS


# -------------------------------------------------------------------------------------- commands


def test_commands_are_numbered_for_each_charger() -> None:
    """An answer names charger and number."""
    made = begun("A", "B")
    assert [made.command(box, PING) for box in ("A", "A", "B")] == [1, 2, 1]
    assert made.data_to_send() == b"do A 1 ping\ndo A 2 ping\ndo B 1 ping\n"
    assert made.receive(b"ok A 2\n") == [GiveAnswer("A", 2, Answer(True))]


def test_a_command_needs_an_open_session() -> None:
    """Nothing is sent to a charger that is not there yet."""
    made = connection()
    with pytest.raises(ChargerOffline):
        made.command("A", PING)
    made.receive(PREAMBLE + b"login A\n")
    with pytest.raises(ChargerOffline):
        made.command("A", PING)
    made.admitted("A", ADMISSION)
    assert made.command("A", PING) == 1


def test_a_command_that_the_dialect_does_not_have_is_refused() -> None:
    """Nothing is sent for it, and the next one goes out."""
    made = begun("A")
    with pytest.raises(Refusal):
        made.command("A", StopCharge(1, 1))
    assert made.data_to_send() == b""
    made.receive(f"ok A {made.command('A', PING)}\n".encode())


# ------------------------------------------------------------------------------------------ bytes


@given(
    st.lists(
        st.sampled_from(
            [b"claim A\n", b"beat A\n", b"ok A 1\n", ends("A", 1), b"login B\n", ends("B", 1)]
        ),
        max_size=8,
    ),
    st.data(),
)
def test_pieces_make_no_difference(lines: list[bytes], data: st.DataObject) -> None:
    """The same bytes in any pieces lead to the same wishes, sessions and fault: what came
    well before a fault is not lost for it."""
    whole = b"".join(lines)

    def take(pieces: list[bytes]) -> tuple[list[Wish], dict[str, State], str | None]:
        made, wishes, fault = begun("A"), list[Wish](), None
        try:
            for piece in pieces:
                wishes += made.receive(piece)
                if made.failure is not None:
                    raise made.failure
        except OutOfOrder as error:
            fault = str(error)
        return wishes, {who: each.state for who, each in made.sessions.items()}, fault

    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert take([piece for piece in pieces if piece]) == take([whole])
