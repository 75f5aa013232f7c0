"""A vendor's part of firmware: a key, and signed images.  It needs no platform."""

import argparse
import json
import os
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chargecloud.cli.parsing import Parsers, command, whole
from chargecloud.dialects.native.manifest import DIGEST_SIZE, MANIFEST, SIGNED_LABEL
from chargecloud.domain.errors import Invalid


def firmware_new_key(arguments: argparse.Namespace) -> int:
    """Make a vendor's signing key.  The file is the vendor's and nobody else's; what is printed
    is its public half, for the platform and for the boot code of the chargers."""
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    print(key.public_key().public_bytes_raw().hex())
    return 0


def firmware_sign(arguments: argparse.Namespace) -> int:
    """Sign an image, and print the body for POST /firmware/images.  It is done where the
    vendor's key is, and needs no platform."""
    data = Path(arguments.image).read_bytes()
    try:
        key = Ed25519PrivateKey.from_private_bytes(
            bytes.fromhex(Path(arguments.key).read_text(encoding="ascii").strip())
        )
        manifest = MANIFEST.write(
            {
                "hardware": arguments.hardware,
                "build": arguments.build,
                "version": arguments.version,
                "size": len(data),
                "digest": sha512(data).digest()[:DIGEST_SIZE],
            }
        )
    except ValueError as error:
        raise Invalid(f"this cannot be signed: {error}") from error
    body = {
        "manifest": manifest.hex(),
        "signature": key.sign(SIGNED_LABEL + manifest).hex(),
        "image": b64encode(data).decode(),
    }
    print(json.dumps(body))
    return 0


def firmware_commands(firmware: Parsers) -> None:
    """Declare them."""
    made = command(
        firmware,
        "new-key",
        firmware_new_key,
        example="chargecloud firmware new-key vendor.key",
        configured=False,
    )
    made.add_argument("file", metavar="FILE", help="where the key is written; it must be new")
    made = command(
        firmware,
        "sign",
        firmware_sign,
        example="chargecloud firmware sign eb10.bin --key vendor.key --hardware EB10-A --build 12 "
        "--version 1.4",
        configured=False,
    )
    made.add_argument("image", metavar="IMAGE", help="the file of the image")
    made.add_argument("--key", metavar="FILE", required=True, help="the vendor's key")
    made.add_argument("--hardware", required=True, help="as the chargers tell it at their login")
    made.add_argument(
        "--build", type=whole(1, 2**32 - 1), required=True, help="higher than any before"
    )
    made.add_argument("--version", required=True, help="for people")
