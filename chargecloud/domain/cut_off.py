"""When a charge has come to its end by what is drawn: the rules, as values.

Full is not unplugged.  A battery whose power has fallen is full; lead-acid ones are then
floated for a while, which they need, and only then cut off.  A port from which nothing is
drawn has no load: nobody plugged in, or somebody pulled the plug, and who puts it back
soon goes on.  L{chargecloud.domain.drawing} follows a charge by these rules.

The defaults are those of boxes for e-bikes; vendors' own lie around them (full below 10 to
45 W, float for 45 to 120 minutes, no load below 0.8 to 3.5 W for 120 to 600 s).
"""

from attrs import frozen

from chargecloud.domain.fields import whole


@frozen(kw_only=True)
class CutOff:
    """The rules of one charge."""

    full_w: int = whole(
        "a battery that draws less than this counts as full", default=20, least=1, most=10_000
    )
    plateau_percent: int = whole(
        "or less than this share of what it drew at its most", default=10, least=1, most=90
    )
    hysteresis_percent: int = whole(
        "it counts as charging again only when it draws so much more than that",
        default=20,
        least=0,
        most=100,
    )
    full_for_s: int = whole(
        "it has to have drawn so little for this long", default=600, least=0, most=7_200
    )
    float_hold_s: int = whole(
        "and is then floated for this long before it is cut off",
        default=3_600,
        least=0,
        most=86_400,
    )
    no_load_dw: int = whole(
        "below this, in tenths of a watt, nothing is drawn at all", default=15, least=1, most=10_000
    )
    no_load_for_s: int = whole(
        "a charge that draws nothing for this long has no load", default=300, least=10, most=7_200
    )
    replug_grace_s: int = whole(
        "a plug that is pulled may be put back within this", default=120, least=0, most=3_600
    )
    never_drawing_s: int = whole(
        "a charge that has drawn nothing since its start is ended after this, and costs nothing",
        default=180,
        least=30,
        most=7_200,
    )
    swap_percent: int = whole(
        "a bike that draws so much more or less at its most than the one before is another one",
        default=30,
        least=5,
        most=90,
    )
