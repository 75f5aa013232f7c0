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

from chargecloud.dialects.native.keys import next_key
from chargecloud.dialects.native.start_codes import StartCode, read_code
from tests.dialects import native_pair
from tests.dialects.make_native_vectors import MESSAGES, fields_of, vectors
from tests.dialects.native_pair import IDENTITY, SECRET
from tests.dialects.native_script import DOWN, UP

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "native_vectors.json").read_text(encoding="ascii")
)
SESSIONS: list[dict[str, Any]] = VECTORS["sessions"]

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
    sealed = [
        (each["frame"], 3 if each["frame"].startswith("ca") else 2, each["nonce"], each["message"])
        for each in (*session["up"], *session["down"])
    ]
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
    for _name, say, _heard in UP:
        say(charger)
        sent.append(charger.data_to_send().hex())
    assert sent == [frame["frame"] for frame in session["up"]]
    received = [charger.receive(bytes.fromhex(frame["frame"])) for frame in session["down"]]
    assert received == [[value] for _name, _do, value in DOWN]


@each_session
def test_cloud_makes_and_reads_the_vectors(session: dict[str, Any]) -> None:
    """The cloud's side gives the very bytes, and understands the charger's."""
    cloud = welcomed(session).cloud
    assert cloud.data_to_send().hex() == session["welcome"]
    login, *others = [bytes.fromhex(frame["frame"]) for frame in session["up"]]
    cloud.receive(login)
    heard = [cloud.receive(frame) for frame in others]
    assert heard == [[each] for _name, _say, each in UP]
    for _name, do, _received in DOWN:
        do(cloud)
    assert cloud.data_to_send().hex() == "".join(frame["frame"] for frame in session["down"])


def test_every_message_has_a_vector() -> None:
    """In both directions, and its fields are what its bytes say."""
    frames = [*SESSIONS[0]["up"], *SESSIONS[0]["down"]]
    assert {frame["name"] for frame in frames} == {each.name for each in MESSAGES.values()}
    for frame in frames:
        message = bytes.fromhex(frame["message"])
        assert fields_of(frame["name"], MESSAGES[message[0]].record, message) == frame["fields"]


def test_the_next_key_is_one_cmac() -> None:
    """A rotation, as a board would do it."""
    rotation = VECTORS["rotation"]
    cmac = CMAC(AES(bytes.fromhex(rotation["key"])))
    cmac.update(
        b"\x01ChargeCloud 1 rotate\x00"
        + rotation["generation"].to_bytes(4, "big")
        + bytes.fromhex(rotation["nonce"])
        + rotation["identity"].encode()
        + b"\x00\x80"
    )
    assert cmac.finalize().hex() == rotation["next_key"]
    key, nonce = bytes.fromhex(rotation["key"]), bytes.fromhex(rotation["nonce"])
    made = next_key(key, rotation["generation"], nonce, rotation["identity"])
    assert made.hex() == rotation["next_key"]


@pytest.mark.parametrize("vector", VECTORS["start_codes"])
def test_start_codes_are_the_vectors(vector: dict[str, Any]) -> None:
    """Both ways."""
    code = StartCode(vector["counter"], vector["port"], vector["energy"])
    key = bytes.fromhex(vector["key"])
    assert code.write(key) == vector["code"]
    assert read_code(key, vector["code"], vector["highest"]) == code


def test_the_vectors_are_made_from_the_script() -> None:
    """The file is what the script makes, so that nobody mends it by hand."""
    assert vectors() == VECTORS


def test_vectors_are_of_this_secret() -> None:
    """The vectors' key is the one that the pair under test uses."""
    assert {session["charger_key"] for session in SESSIONS} == {SECRET.key.hex()}


def test_refusal_vector() -> None:
    """A refusal is four bytes in clear."""
    pair = native_pair.claimed_pair()
    pair.cloud.welcome(IDENTITY, None, native_pair.GREETING)
    assert pair.cloud.data_to_send().hex() == VECTORS["refusal_unknown_charger"]
