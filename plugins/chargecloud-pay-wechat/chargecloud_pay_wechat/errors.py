"""What WeChat says when it says no, and what that means.

The codes are those of "WeChat Pay API v3, error codes" and of the pages of each operation.  Pages
of different years write them differently (C{ORDERPAID}, C{ORDER_PAID}): here they have no C{_}.
"""

from chargecloud.domain.errors import ChannelRefused

#: asked again with the same values, it is the same no.  Whatever is not here says nothing:
#: SYSTEM_ERROR, BANK_ERROR, FREQUENCY_LIMITED, RATELIMIT_EXCEEDED, BIZ_ERR_NEED_RETRY, and what
#: a person has to mend at WeChat or in the configuration (SIGN_ERROR, NO_AUTH, MCH_NOT_EXISTS,
#: APPID_MCHID_NOT_MATCH)
FINAL = frozenset(
    {
        "INVALIDREQUEST",
        "INVALIDTRANSACTIONID",
        "OPENIDMISMATCH",
        "ORDERCLOSED",
        "OUTTRADENOUSED",
        "PARAMERROR",
        "USERACCOUNTABNORMAL",
        "USERNOTEXIST",
        "USERNOTEXISTS",
    }
)
PAID = "ORDERPAID"
CLOSED = frozenset({"ORDERCLOSED", "ORDERREVERSED"})
#: it knows no such payment, refund, or split
UNKNOWN = frozenset(
    {"NOTFOUND", "ORDERNOTEXIST", "REFUNDNOTEXISTS", "RESOURCENOTEXISTS", "RESOURCENOTEXIST"}
)
#: the merchant's account has less than that
SHORT = "NOTENOUGH"
#: nothing came or went back on a day
NO_BILL = "NOSTATEMENTEXIST"
BILL_IS_BEING_MADE = "STATEMENTCREATING"
#: a share above what is agreed upon, a receiver who is not to have any
AGAINST_A_RULE = "RULELIMIT"


class NoAnswer(Exception):
    """An answer that is none, or is not WeChat's: it says nothing."""


class NotBelieved(Exception):
    """Something that is not signed by WeChat, or was not just now.

    @ivar why: C{bad-signature} or C{stale}.
    """

    def __init__(self, detail: str, why: str = "bad-signature") -> None:
        super().__init__(detail)
        self.why = why


class SaidNo(Exception):
    """
    WeChat has not done what it was asked.

    @ivar word: its code, as it writes it; C{code} is without C{_}.
    """

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(f"{status} {word}: {message}")
        self.word = word
        self.code = word.replace("_", "").upper()

    def is_final(self, *others: str) -> bool:
        """Whether it is no for ever; C{others} are such codes of this operation alone."""
        return self.code in FINAL or self.code in others

    def refusal(self) -> ChannelRefused:
        """The same, as the platform understands it."""
        return ChannelRefused(f"WeChat Pay: {self}"[:300], why=self.word)
