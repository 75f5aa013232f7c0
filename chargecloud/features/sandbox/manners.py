"""How badly the sandbox behaves, for those who want to see what the platform makes of it."""

from attrs import define

from chargecloud.domain.fields import choice, whole


@define(kw_only=True)
class Manners:
    """How the sandbox behaves from now on; what is not given is as it should be."""

    notice_after_s: int = whole("from a payment or a refund to its notice", default=1, most=86_400)
    notice_times: int = whole("how often each notice is sent", default=1, most=10)
    is_tampered: bool = choice("notices tell of another amount than was signed", default=False)
    answers_lost: int = whole(
        "so many of the next questions are carried out and not answered", default=0, most=1_000
    )
    questions_lost: int = whole(
        "so many of the next questions are neither carried out nor answered", default=0, most=1_000
    )
