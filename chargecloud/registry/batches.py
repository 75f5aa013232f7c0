"""What a factory hands over: the keys of the chargers that it has made, wrapped.

A batch is a file of JSON lines.  The first says what all of its chargers are; each of the
others is one charger, with its key wrapped by AES-SIV (RFC 5297) under a transport key that the
factory and the platform share.  AES-SIV takes no nonce that somebody could use twice, and what
is said of the charger is authenticated with it, so that no line can be made of two.
"""

import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from attrs import frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.errors import Invalid

FORMAT = "chargecloud-batch-1"
#: AES-SIV with two AES-128 keys
TRANSPORT_KEY_BYTES = 32
MOST_CHARGERS = 10_000
#: of a claim code: 60 bits in characters that nobody takes for each other
CODE_LENGTH = 12
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@frozen
class Batch:
    """What all chargers of a batch are."""

    name: str
    dialect: str
    kind: ChargerKind
    ports: int
    rated_w: int
    vendor: str | None = None


@frozen
class MadeCharger:
    """A charger as its factory has made it.

    @ivar claim_digest: of the code on its label.
    """

    identity: str
    key: bytes
    claim_digest: str
    imei: str | None = None
    iccid: str | None = None


@frozen
class BadLine:
    """A line of a batch that cannot be used, and why."""

    why: str


def new_code() -> str:
    """A claim code."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def claim_digest(identity: str, code: str) -> str:
    """What is kept of a claim code.  It has 60 bits, so that nothing slower is needed; people
    may write it in small letters, and with hyphens."""
    plain = code.upper().replace("-", "").replace(" ", "")
    return sha256(f"{identity}\0{plain}".encode()).hexdigest()


def is_claim(identity: str, code: str, digest: str | None) -> bool:
    """Whether a code is the one of a charger that may be claimed."""
    return digest is not None and hmac.compare_digest(claim_digest(identity, code), digest)


def label(identity: str, code: str) -> str:
    """What the QR code on a charger says."""
    return f"CHARGECLOUD:1:{identity}:{code}"


def read_transport_key(text: str) -> bytes:
    """
    A transport key from the text of its file.

    @raise Invalid: if it is none.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != TRANSPORT_KEY_BYTES:
        raise Invalid(f"a transport key is {TRANSPORT_KEY_BYTES} bytes in hexadecimal")
    return key


def write_batch(batch: Batch, made: Sequence[MadeCharger], transport_key: bytes) -> str:
    """The file of a batch."""
    head = {
        "format": FORMAT,
        "batch": batch.name,
        "dialect": batch.dialect,
        "kind": batch.kind.value,
        "ports": batch.ports,
        "rated_w": batch.rated_w,
        "vendor": batch.vendor,
    }
    cipher = AESSIV(transport_key)
    lines: list[dict[str, Any]] = [head]
    for charger in made:
        told = _told(batch, charger.identity, charger.claim_digest)
        line = {
            "identity": charger.identity,
            "wrapped_key": cipher.encrypt(charger.key, told).hex(),
            "claim_digest": charger.claim_digest,
        }
        for name in ("imei", "iccid"):
            if (value := getattr(charger, name)) is not None:
                line[name] = value
        lines.append(line)
    return "".join(json.dumps(line) + "\n" for line in lines)


def read_batch(
    text: str, transport_key: bytes
) -> tuple[Batch, Iterator[tuple[int, MadeCharger | BadLine]]]:
    """
    A batch, and what each line of its file is, with the line's number.

    @raise Invalid: if the file is no batch.
    """
    head, *others = text.splitlines() or [""]
    if len(others) > MOST_CHARGERS:
        raise Invalid(f"a batch has at most {MOST_CHARGERS} chargers")
    batch = _read_head(head)
    cipher = AESSIV(transport_key)

    def lines() -> Iterator[tuple[int, MadeCharger | BadLine]]:
        for number, line in enumerate(others, start=2):
            if line.strip():
                yield number, _read_line(batch, line, cipher)

    return batch, lines()


def _read_head(line: str) -> Batch:
    try:
        told = json.loads(line)
        if told["format"] != FORMAT:
            raise ValueError
        batch = Batch(
            str(told["batch"]),
            str(told["dialect"]),
            ChargerKind(told["kind"]),
            int(told["ports"]),
            int(told["rated_w"]),
            told.get("vendor"),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"the first line is not the head of a batch ({FORMAT})") from error
    if not (1 <= batch.ports <= 255 and batch.rated_w >= 1):
        raise Invalid("the first line has ports or a rating that no charger has")
    return batch


def _told(batch: Batch, identity: str, digest: str) -> list[bytes]:
    """What is authenticated with a key."""
    return [FORMAT.encode(), batch.name.encode(), identity.encode(), digest.encode()]


def _read_line(batch: Batch, line: str, cipher: AESSIV) -> MadeCharger | BadLine:
    try:
        told = json.loads(line)
        identity, digest = str(told["identity"]), str(told["claim_digest"])
        wrapped = bytes.fromhex(told["wrapped_key"])
        imei, iccid = told.get("imei"), told.get("iccid")
        if len(digest) != sha256().digest_size * 2 or not all(
            value is None or (isinstance(value, str) and len(value) <= 20)
            for value in (imei, iccid)
        ):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        return BadLine("is not a charger of a batch")
    try:
        key = cipher.decrypt(wrapped, _told(batch, identity, digest))
    except (InvalidTag, ValueError):
        return BadLine("does not open with this transport key, or was changed")
    return MadeCharger(identity, key, digest, imei, iccid)
