"""How the sandbox splits payments: at once, in its memory, and within limits as a real channel
has them."""

from attrs import define, field

from chargecloud.domain.channel import (
    PartFact,
    PartWord,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
)
from chargecloud.domain.errors import ChannelRefused

MOST_RECEIVERS = 50
MOST_SPLITS = 50
#: as WeChat Pay has it, unless a merchant has agreed on another with it
MOST_PERCENT = 30
WITHIN_DAYS = 30


@define
class Splits:
    """
    The splits of one payment.

    @ivar splits: by number, with the amount for each account; C{backs} what came back.
    @ivar is_finished: whether the rest is the merchant's.
    """

    splits: dict[str, dict[str, int]] = field(factory=dict)
    backs: dict[str, tuple[str, int]] = field(factory=dict)
    is_finished: bool = False

    def split(self, asked: SplitAt, left_fen: int, known: set[str]) -> SplitFact:
        """
        Give parts.

        @param left_fen: what of the payment has not gone back to the payer.
        @param known: the accounts that were made known.
        """
        if asked.number not in self.splits:
            given_fen = sum(sum(each.values()) for each in self.splits.values())
            whole_fen = given_fen + sum(part.amount_fen for part in asked.parts)
            if self.is_finished:
                raise ChannelRefused("no more is split of it", why="finished")
            if len(asked.parts) > MOST_RECEIVERS or len(self.splits) >= MOST_SPLITS:
                raise ChannelRefused("too many receivers, or splits", why="too-many")
            if whole_fen > min(left_fen, asked.paid_fen * MOST_PERCENT // 100):
                raise ChannelRefused("more than may be split", why="too-much")
            if any(part.receiver.account not in known for part in asked.parts):
                raise ChannelRefused("nobody has made the receiver known", why="no-receiver")
            self.splits[asked.number] = {
                part.receiver.account: part.amount_fen for part in asked.parts
            }
        return self.fact(asked)

    def fact(self, asked: SplitAt) -> SplitFact:
        """What became of a split."""
        given = self.splits.get(asked.number)
        merchant, number = asked.payment.merchant, asked.number
        if given is None:
            return SplitFact(merchant=merchant, number=number, is_known=False)
        parts = tuple(
            PartFact(account=account, amount_fen=fen, word=PartWord.DONE)
            for account, fen in given.items()
        )
        return SplitFact(merchant=merchant, number=number, parts=parts)

    def back(self, asked: SplitBackAt) -> SplitBackFact:
        """Call something back."""
        account = asked.receiver.account
        if asked.number not in self.backs:
            given = self.splits.get(asked.split.number, {}).get(account, 0)
            came_fen = sum(fen for of, fen in self.backs.values() if of == account)
            if came_fen + asked.amount_fen > given:
                raise ChannelRefused("more than was given", why="too-much")
            self.backs[asked.number] = (account, asked.amount_fen)
        return self.back_fact(asked)

    def back_fact(self, asked: SplitBackAt) -> SplitBackFact:
        """What became of what was called back."""
        came = self.backs.get(asked.number)
        return SplitBackFact(
            merchant=asked.split.payment.merchant,
            number=asked.number,
            word=RefundWord.UNKNOWN if came is None else RefundWord.DONE,
            amount_fen=None if came is None else came[1],
        )
