"""A firmware image on its way to a device, block by block: AP3000 protocol 4.8, host 4.6.

The platform's chargers fetch an image; a DNY device is pushed one.  This fetches in the device's
place: each block is wanted when the one before is acknowledged.  Which of the vendor's transfers
an image is for is the first word of the hardware in its signed manifest: C{E0-AP3000}.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import define, field, frozen

from chargecloud.dialects.native.manifest import MANIFEST
from chargecloud.domain.commands import OfferFirmware
from chargecloud.domain.errors import BadFrame
from chargecloud.domain.events import FirmwareStage, FirmwareTold, FirmwareWanted
from chargecloud_dny.messages import BY_NAME, Message

#: tries of one block that the device asks for again
MOST_AGAIN = 3
#: blocks are counted in two bytes, and one more may bring the sum
MOST_BLOCKS = 0xFFFF - 1
CHECK_BEGINS = bytes(range(0xA1, 0xA9))


@frozen
class Transfer:
    """
    One of the vendor's ways.

    @ivar block_size: of each block; the last one is filled up with zeros.
    @ivar is_triggered: whether an empty message comes first.
    @ivar is_checked: whether a device may want a packet with the sum behind the last block.
    """

    message: Message
    block_size: int
    is_triggered: bool = False
    is_checked: bool = False


TRANSFERS: Mapping[str, Transfer] = {
    "E0": Transfer(BY_NAME["firmware_e0"], 200, is_checked=True),
    "E1": Transfer(BY_NAME["firmware_e1"], 200, is_checked=True),
    "E2": Transfer(BY_NAME["firmware_e2"], 200, is_checked=True),
    "F8": Transfer(BY_NAME["firmware_old"], 256),
    "F9": Transfer(BY_NAME["firmware_old_host"], 256),
    "FA": Transfer(BY_NAME["firmware_host"], 200, is_triggered=True, is_checked=True),
}


@frozen
class Wish:
    """A block that is wanted.

    @ivar turn: how often its push has begun from the first block.
    """

    push: "Push"
    turn: int
    index: int


class Result(Enum):
    """What a device says to a block."""

    NEXT = 0
    AGAIN = 1
    WRONG_SUM = 2
    WRONG_TYPE = 3
    NO_CHECK = 4
    WRONG_FIRST = 5


@define(eq=False)
class Push:
    """
    @ivar index: of the block that is under way, from 1; 0 while the trigger is.
    """

    image: int
    size: int
    build: int
    transfer: Transfer
    index: int = 0
    turn: int = field(default=0, init=False)
    _again: int = field(default=0, init=False)
    _sum: int = field(default=0, init=False)
    _block: bytes = field(default=b"", init=False)
    _is_checking: bool = field(default=False, init=False)

    @classmethod
    def of(cls, offer: OfferFirmware) -> "Push | None":
        """What an offer needs; C{None} if the image is for no DNY device, or has more blocks
        than its transfer can count."""
        try:
            manifest = MANIFEST.read(offer.manifest)
        except BadFrame:
            return None
        transfer = TRANSFERS.get(str(manifest["hardware"]).partition("-")[0])
        if transfer is None:
            return None
        push = cls(offer.image, manifest["size"], manifest["build"], transfer)
        return push if push.total <= MOST_BLOCKS else None

    @property
    def total(self) -> int:
        """How many blocks there are."""
        return -(-self.size // self.transfer.block_size)

    def begin(self) -> FirmwareWanted | bytes:
        """What is first: the first block's wish, or the data of the trigger."""
        if self.transfer.is_triggered:
            return b""
        return self.restart()

    def restart(self) -> FirmwareWanted:
        """The device wants it from the first block on."""
        self.turn += 1
        self.index, self._again, self._sum, self._is_checking = 1, 0, 0, False
        return self._wanted()

    @property
    def wish(self) -> Wish:
        """The block that is wanted now."""
        return Wish(self, self.turn, self.index)

    def packet(self, block: bytes) -> bytes:
        """The data of the message that brings a block."""
        self._sum += sum(block)
        self._block = block.ljust(self.transfer.block_size, b"\0")
        return self._packet(self.total, self.index, self._block)

    def heard(self, code: int, index: int = 0) -> FirmwareWanted | FirmwareTold | bytes:
        """
        What follows a device's answer: the next wish, the end, or data to be sent again or
        behind the last block.

        @param index: of the block that the answer names; 0 for none.
        """
        result = Result(code) if code in {each.value for each in Result} else Result.WRONG_SUM
        if result is Result.NEXT and index not in (0, self.index + self._is_checking):
            # it has taken another block for this one: it would start with a hole in it
            result = Result.AGAIN
        if self.index == 0:
            return self.restart() if result is Result.NEXT else self._failed()
        if result is Result.AGAIN and self._again < MOST_AGAIN:
            self._again += 1
            return self._packet(self.total, self.index, self._block)
        is_last = self.index >= self.total
        wants_check = result is Result.NO_CHECK and self.transfer.is_checked
        if is_last and wants_check and not self._is_checking:
            self._is_checking = True
            return self._packet(self.total + 1, self.total + 1, self._check())
        if result is not Result.NEXT:
            return self._failed()
        if is_last:
            return FirmwareTold(self.image, FirmwareStage.READY, self.size)
        self.index, self._again = self.index + 1, 0
        return self._wanted()

    def given_up(self) -> FirmwareTold:
        """The device does not answer."""
        return self._failed()

    def _failed(self) -> FirmwareTold:
        return FirmwareTold(self.image, FirmwareStage.FAILED)

    def _wanted(self) -> FirmwareWanted:
        size = self.transfer.block_size
        return FirmwareWanted(self.image, (self.index - 1) * size, size)

    def _packet(self, total: int, index: int, block: bytes) -> bytes:
        return total.to_bytes(2, "little") + index.to_bytes(2, "little") + block

    def _check(self) -> bytes:
        told = (
            CHECK_BEGINS
            + (self._sum & 0xFFFF_FFFF).to_bytes(4, "little")
            + bytes((0,))
            + (self.build & 0xFFFF).to_bytes(2, "little")
        )
        return told.ljust(self.transfer.block_size, b"\0")
