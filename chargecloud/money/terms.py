"""What the terms of our tariffs have in common: how they are checked, and prices shown.

Terms are JSON that a person wrote, so whoever checks them gathers every fault with its
place (a JSON Pointer, RFC 6901) and tells all of them at once.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from chargecloud.domain.errors import TariffError

#: 100 yuan for a kWh: far above any price that is charged, so that a slip of units is found
MAX_PRICE = 10_000_000

_PRICE_UNITS_PER_YUAN = 100_000


@lru_cache(maxsize=1_024)
def yuan(price: int) -> str:
    """A unit price in 1e-5 yuan, written out in yuan without rounding."""
    return f"{price // _PRICE_UNITS_PER_YUAN}.{price % _PRICE_UNITS_PER_YUAN:05}"


def place(where: str, key: str | int) -> str:
    """The JSON Pointer to a member or an element of what stands at another."""
    return f"{where}/{str(key).replace('~', '~0').replace('/', '~1')}"


class Faults:
    """What is wrong with some terms."""

    def __init__(self) -> None:
        self._found: list[dict[str, str]] = []

    @property
    def found(self) -> Sequence[Mapping[str, str]]:
        """What was taken down so far."""
        return self._found

    def take(self, other: "Faults") -> None:
        """Take down what is wrong with a part as well."""
        self._found.extend(other._found)

    def add(self, where: str, what: str) -> None:
        """Take down a fault."""
        self._found.append({"where": where, "what": what})

    def members(
        self,
        where: str,
        value: object,
        required: Collection[str],
        optional: Collection[str] = (),
    ) -> Mapping[str, Any]:
        """Those members of an object that belong there; empty if it is no object."""
        if not isinstance(value, Mapping):
            self.add(where, "must be an object")
            return {}
        for key in required:
            if key not in value:
                self.add(place(where, key), "is missing")
        known = {*required, *optional}
        for key in value:
            if key not in known:
                self.add(place(where, key), "is not known here")
        return {key: value[key] for key in value if key in known}

    def whole_number(self, where: str, value: object, lowest: int, highest: int) -> None:
        """Check a whole number.  JSON's C{true} is none, though Python's is."""
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.add(where, f"must be a whole number from {lowest} to {highest}")

    def refuse(self) -> None:
        """
        Refuse the terms, unless nothing is wrong with them.

        @raise TariffError: with every fault in C{facts["errors"]}.
        """
        if self._found:
            count = len(self._found)
            raise TariffError(
                f"the terms have {count} fault{'s' if count > 1 else ''}", errors=self._found
            )
