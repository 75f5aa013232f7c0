"""The keys of a merchant and of WeChat Pay, and what is sealed by them."""

import secrets
from base64 import b64encode
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key; it takes a while to make one."""
    assert name
    return rsa.generate_private_key(65537, 2048)


def private_pem(of: rsa.RSAPrivateKey) -> str:
    """A private key, as WeChat's tool writes it."""
    return of.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(of: rsa.RSAPrivateKey) -> str:
    """The public key of a private one."""
    public = of.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sealed(api_v3_key: str, text: str, along: str) -> dict[str, str]:
    """Text that only the merchant can read."""
    nonce = secrets.token_hex(6)
    data = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), text.encode(), along.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(data).decode(),
        "associated_data": along,
        "nonce": nonce,
    }
