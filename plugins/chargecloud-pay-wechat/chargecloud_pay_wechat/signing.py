"""Signatures of WeChat Pay, API v3: ours on what we ask, and WeChat's on what it says.

"Signing requests", "Verifying signatures", and "Signing for JSAPI": RSA, PKCS#1 v1.5, SHA-256,
over lines that each end in C{\\n}.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping

from attrs import frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from chargecloud_pay_wechat.errors import NotBelieved
from chargecloud_pay_wechat.merchant import Merchant

SCHEME = "WECHATPAY2-SHA256-RSA2048"
#: what was signed longer ago may be somebody's who has heard it
FRESH_S = 300


def sign(key: RSAPrivateKey, *lines: bytes) -> str:
    """The signature of some lines, in base64."""
    return b64encode(key.sign(_message(lines), PKCS1v15(), SHA256())).decode()


def authorization(
    merchant: Merchant, method: str, target: str, body: bytes, now_s: int, nonce: str
) -> str:
    """
    The header C{Authorization} of a request.

    @param target: path and query, as they are sent.
    @param nonce: another one for each request.
    """
    signature = sign(
        merchant.private_key,
        method.encode(),
        target.encode(),
        str(now_s).encode(),
        nonce.encode(),
        body,
    )
    return (
        f'{SCHEME} mchid="{merchant.number}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{now_s}",serial_no="{merchant.certificate_serial}"'
    )


def app_values(merchant: Merchant, prepay_id: str, now_s: int, nonce: str) -> Mapping[str, str]:
    """What C{WeixinJSBridge.invoke("getBrandWCPayRequest")} and C{wx.requestPayment} take."""
    package = f"prepay_id={prepay_id}"
    lines = (merchant.app_id, str(now_s), nonce, package)
    return {
        "appId": merchant.app_id,
        "timeStamp": str(now_s),
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign(merchant.private_key, *(line.encode() for line in lines)),
    }


@frozen
class Seal:
    """WeChat's signature of something that it says, of which nothing is proved yet.

    @ivar serial: of the key that it is said to be by.
    """

    serial: str
    timestamp: str
    nonce: str
    signature: bytes

    @classmethod
    def read(cls, headers: Mapping[str, str], now_s: float) -> "Seal":
        """
        @param headers: by their names in small letters.
        @raise NotBelieved: if there is none, or it is not of these minutes.
        """
        timestamp = headers.get("wechatpay-timestamp", "")
        try:
            signature = b64decode(headers["wechatpay-signature"], validate=True)
            found = cls(
                headers["wechatpay-serial"], timestamp, headers["wechatpay-nonce"], signature
            )
        except (KeyError, ValueError) as error:
            raise NotBelieved("it is not signed") from error
        if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise NotBelieved("it is signed in a way that is not known here")
        # no more digits than an int is made of at once
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise NotBelieved("it does not say when it was signed")
        if abs(now_s - int(timestamp)) > FRESH_S:
            raise NotBelieved(f"it was not signed within {FRESH_S} s of now", "stale")
        return found

    def is_by(self, key: RSAPublicKey, body: bytes) -> bool:
        """Whether a key has signed this body, byte by byte."""
        message = _message((self.timestamp.encode(), self.nonce.encode(), body))
        try:
            key.verify(self.signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def _message(lines: tuple[bytes, ...]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
