"""What only WeChat and a merchant may read: "Decrypting" (AEAD_AES_256_GCM) and "Encrypting
sensitive information" (RSAES-OAEP with SHA-1) of WeChat Pay, API v3."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# it is what WeChat takes; OAEP does not rest on its collisions
from cryptography.hazmat.primitives.hashes import SHA1

ALGORITHM = "AEAD_AES_256_GCM"


class SealedOtherwise(Exception):
    """It was not sealed with this key, or was changed since."""


def unsealed(api_v3_key: bytes, sealed: Mapping[str, Any]) -> bytes:
    """
    What an object with C{ciphertext}, C{nonce} and C{associated_data} holds.

    @raise SealedOtherwise: if another key has sealed it.
    @raise ValueError: if it is no such object (or C{KeyError}, C{TypeError}, C{AttributeError}).
    """
    if sealed["algorithm"] != ALGORITHM:
        raise ValueError("it is sealed in a way that is not known here")
    data = b64decode(sealed["ciphertext"], validate=True)
    along = (sealed.get("associated_data") or "").encode()
    try:
        return AESGCM(api_v3_key).decrypt(sealed["nonce"].encode(), data, along)
    except InvalidTag as error:
        raise SealedOtherwise from error


def for_wechat(key: RSAPublicKey, text: str) -> str:
    """Text that only WeChat can read."""
    padding = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303
    return b64encode(key.encrypt(text.encode(), padding)).decode()
