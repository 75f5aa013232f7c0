"""Golden vectors: the same hex as in docs/native-protocol.rst, for whoever writes firmware.

They were made once, and were checked then with an AES written for nothing else.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from chargecloud.dialects.native.meanings import CardTicket, RecordTicket
from chargecloud.dialects.native.received import CardAnswered, HeartbeatAnswered, Kept, Ordered
from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import Answer, Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import (
    CardPresented,
    ChargeStarted,
    OfflineStart,
    Outcome,
    Reply,
    TimeAsked,
)
from chargecloud.interfaces import Alive, Answered, Heard, Told
from tests.dialects import native_pair
from tests.dialects.native_pair import ENDED, IDENTITY, ORDER, REPORT, SECRET, STARTED

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "native_vectors.json").read_text(encoding="ascii")
)
SESSIONS: list[dict[str, Any]] = VECTORS["sessions"]

COMMANDS: list[Command] = [
    StartCharge(
        ORDER, 2, valid_until_s=1_800_000_060, limit_energy_mwh=500_000, limit_duration_s=36_000
    ),
    StopCharge(ORDER, 2),
    SetTime(1_800_000_001),
    # a start with rules of a cut-off that are not the usual ones
    StartCharge(
        ORDER, 2, valid_until_s=1_800_000_060, cut_off=CutOff(full_w=35, float_hold_s=7_200)
    ),
]
#: a charge that was begun offline, with a card, and a card that is presented
OFFLINE = ChargeStarted(None, 3, 1_000_000, ChargerTime(7, 3_500), OfflineStart(5, "04A1B2C3"))
CARD = CardPresented("04A1B2C3", 4, 6, ChargerTime(7, 3_610))
REPLIES: list[tuple[object, Reply]] = [
    (RecordTicket(43), Reply(Outcome.KEPT, order_id=ORDER)),
    (CardTicket(6), Reply(Outcome.REFUSED, "insufficient-funds", balance_fen=35)),
]
HEARD: list[Heard] = [
    Alive(IDENTITY),
    Told(IDENTITY, REPORT),
    Told(IDENTITY, STARTED, ticket=RecordTicket(41)),
    Told(IDENTITY, ENDED, ticket=RecordTicket(42)),
    Answered(IDENTITY, 1, Answer(accepted=False, code="not-plugged")),
    Told(IDENTITY, TimeAsked()),
    Told(IDENTITY, OFFLINE, ticket=RecordTicket(43)),
    Told(IDENTITY, CARD, ticket=CardTicket(6)),
]
RECEIVED = [
    HeartbeatAnswered(),
    Kept(42, Outcome.KEPT),
    *[Ordered(number, command) for number, command in enumerate(COMMANDS, start=1)],
    Kept(43, Outcome.KEPT, ORDER),
    CardAnswered(6, "insufficient-funds", balance_fen=35),
]

each_session = pytest.mark.parametrize("session", SESSIONS, ids=["CCM", "GCM"])


def welcomed(session: dict[str, Any]) -> native_pair.Pair:
    """Both ends after the WELCOME, which is still to be carried down."""
    pair = native_pair.claimed_pair(session["suites_offered"])
    pair.welcome()
    return pair


@each_session
def test_session_key_is_one_cmac(session: dict[str, Any]) -> None:
    """The key schedule, as a board would do it: one CMAC over bytes that the vector shows."""
    assert session["kdf_input"] == (
        "01"
        + b"ChargeCloud 1 session\x00".hex()
        + session["hello"]
        + session["welcome_start"]
        + "0080"
    )
    cmac = CMAC(AES(bytes.fromhex(session["charger_key"])))
    cmac.update(bytes.fromhex(session["kdf_input"]))
    assert cmac.finalize().hex() == session["session_key"]


@each_session
def test_frames_open_with_the_vector_key_and_nonce(session: dict[str, Any]) -> None:
    """Each frame is its message under the stated nonce and associated data, no more."""
    key = bytes.fromhex(session["session_key"])
    cipher = AESCCM(key, tag_length=8) if session["suite"] == 1 else AESGCM(key)
    sealed = [(frame["frame"], 2, frame["nonce"], frame["message"]) for frame in session["up"]]
    sealed += [(frame["frame"], 2, frame["nonce"], frame["message"]) for frame in session["down"]]
    sealed += [(session["welcome"], 20, session["welcome_nonce"], session["welcome_terms"])]
    for frame_hex, start_size, nonce, message in sealed:
        frame = bytes.fromhex(frame_hex)
        opened = cipher.decrypt(bytes.fromhex(nonce), frame[start_size:], frame[:start_size])
        assert opened.hex() == message


@each_session
def test_charger_makes_and_reads_the_vectors(session: dict[str, Any]) -> None:
    """The charger's side gives the very bytes, and understands the cloud's."""
    charger = native_pair.new_pair(session["suites_offered"]).charger
    charger.hello(native_pair.UPTIME_S)
    assert charger.data_to_send().hex() == session["hello"]
    charger.receive(bytes.fromhex(session["welcome"]))
    sent = [charger.data_to_send().hex()]
    for say in (
        charger.heartbeat,
        lambda: charger.report(REPORT),
        lambda: charger.started(41, STARTED),
        lambda: charger.ended(42, ENDED),
        lambda: charger.answer(1, Answer(accepted=False, code="not-plugged")),
        charger.ask_time,
        lambda: charger.started(43, OFFLINE),
        lambda: charger.card(CARD.number, CARD.port, CARD.card_uid, CARD.at.uptime_s),
    ):
        say()
        sent.append(charger.data_to_send().hex())
    assert sent == [frame["frame"] for frame in session["up"]]
    received = [charger.receive(bytes.fromhex(frame["frame"])) for frame in session["down"]]
    assert received == [[value] for value in RECEIVED]


@each_session
def test_cloud_makes_and_reads_the_vectors(session: dict[str, Any]) -> None:
    """The cloud's side gives the very bytes, and understands the charger's."""
    cloud = welcomed(session).cloud
    assert cloud.data_to_send().hex() == session["welcome"]
    login, *others = [bytes.fromhex(frame["frame"]) for frame in session["up"]]
    cloud.receive(login)
    assert [cloud.receive(frame) for frame in others] == [[heard] for heard in HEARD]
    sent = [cloud.data_to_send().hex()]
    cloud.acknowledge(IDENTITY, RecordTicket(42), Reply(Outcome.KEPT))
    sent.append(cloud.data_to_send().hex())
    for number, command in enumerate(COMMANDS, start=1):
        cloud.command(IDENTITY, number, command)
        sent.append(cloud.data_to_send().hex())
    for ticket, reply in REPLIES:
        cloud.acknowledge(IDENTITY, ticket, reply)
        sent.append(cloud.data_to_send().hex())
    assert sent == [frame["frame"] for frame in session["down"]]


def test_vectors_are_of_this_secret() -> None:
    """The vectors' key is the one that the pair under test uses."""
    assert {session["charger_key"] for session in SESSIONS} == {SECRET.key.hex()}


def test_refusal_vector() -> None:
    """A refusal is four bytes in clear."""
    pair = native_pair.claimed_pair()
    pair.cloud.welcome(IDENTITY, None, native_pair.GREETING)
    assert pair.cloud.data_to_send().hex() == VECTORS["refusal_unknown_charger"]
