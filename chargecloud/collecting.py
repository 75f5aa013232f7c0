"""What Python's collector of cycles goes through, and how often.

A platform that is ready has half a million objects that stay.  By Python's own settings the
collector goes through all of them again and again while thousands of orders are under way, and
nothing else is done meanwhile: the slowest hundredth of starts took 1.1 to 3 times as long (ADR
0046).
"""

import gc

#: objects more than went, and turns of the younger generations, after which it looks
LOOKS_AFTER = (20_000, 20, 50)


def keep_what_is_there() -> None:
    """To be called when a process has begun: what it has then is not gone through any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*LOOKS_AFTER)
