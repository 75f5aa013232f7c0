"""What was made of some terms, kept for the next bill: the terms of a version never change."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

#: far more tariffs than a node prices at a time; what is kept of one is some kilobytes
MOST_KEPT = 512


def kept(make: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], T]:
    """Make it once of the same terms.

    The same are those that are one object, not those that are equal: looking for equal ones
    would take as long as making it anew.  Those that are kept are held, so that no other object
    comes to stand in their place.
    """
    found: OrderedDict[int, tuple[Mapping[str, Any], T]] = OrderedDict()

    def of(terms: Mapping[str, Any]) -> T:
        before = found.get(id(terms))
        if before is not None:
            return before[1]
        made = make(terms)
        found[id(terms)] = (terms, made)
        if len(found) > MOST_KEPT:
            found.popitem(last=False)
        return made

    return of
