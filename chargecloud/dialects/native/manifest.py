"""What a vendor signs of a firmware image: docs/native-protocol.rst, "Firmware"."""

from chargecloud.dialects.fields import Field, Record, octets, text
from chargecloud.dialects.native.messages import COUNT

#: in front of a manifest when it is signed, so that the signature is of nothing else
SIGNED_LABEL = b"ChargeCloud 1 firmware\x00"
#: of SHA-512, the first half: a board that checks Ed25519 has no other hash
DIGEST_SIZE = 32

MANIFEST = Record(
    Field(0, "hardware", text(32), required=True),
    Field(1, "build", COUNT, required=True),
    Field(2, "version", text(32), required=True),
    Field(3, "size", COUNT, required=True),
    Field(4, "digest", octets(DIGEST_SIZE), required=True),
)
