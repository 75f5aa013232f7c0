"""A merchant of WeChat Pay, with what proves that we are them."""

from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


@frozen(eq=False)
class Merchant:
    """
    @ivar number: C{mchid}, which WeChat has given.
    @ivar app_id: of the official account or mini program in which people pay.
    @ivar certificate_serial: of the certificate that the private key belongs to.
    @ivar api_v3_key: 32 bytes, by which WeChat seals what it tells.
    @ivar public_key_id: of the key that WeChat signs with, if the merchant was given one
        (C{PUB_KEY_ID_...}); else WeChat's certificates are fetched.
    """

    number: str
    app_id: str
    certificate_serial: str
    private_key: RSAPrivateKey = field(repr=False)
    api_v3_key: bytes = field(repr=False)
    public_key_id: str | None = None
    public_key: RSAPublicKey | None = field(default=None, repr=False)
