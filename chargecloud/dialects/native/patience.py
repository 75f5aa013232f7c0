"""How long a silent side is waited for.

A charger promises how soon it will be heard from; the cloud waits that long and a grace.
With the 60 s of a charger that charges it is given up after 90 s, and with the 240 s that
an idle one may come to, after 285 s.
"""

#: the grace is half of what was promised, and no more than this
MOST_GRACE_S = 45.0
#: a charger that had no answer asks again after so long, and hangs up after so many times
ASK_AGAIN_S = 10.0
MOST_ASKED = 3


def patience_s(promised_s: float) -> float:
    """Silence after which a charger that promised to be heard from is given up."""
    return promised_s + min(promised_s / 2, MOST_GRACE_S)
