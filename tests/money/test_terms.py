"""How terms are checked and prices shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import TariffError
from chargecloud.money.terms import MAX_PRICE, Faults, place, yuan


@pytest.mark.parametrize(
    ("price", "shown"), [(0, "0.00000"), (7, "0.00007"), (110_000, "1.10000"), (10**7, "100.00000")]
)
def test_a_price_in_yuan(price: int, shown: str) -> None:
    """All five decimals are shown."""
    assert yuan(price) == shown


@given(st.integers(0, MAX_PRICE))
def test_a_price_is_not_rounded(price: int) -> None:
    """What is shown is the price, digit for digit."""
    whole, decimals = yuan(price).split(".")
    assert int(whole + decimals) == price


def test_a_place_is_a_json_pointer() -> None:
    """What a pointer uses itself is escaped (RFC 6901)."""
    assert place(place("/day", 2), "from") == "/day/2/from"
    assert place("", "a/b~c") == "/a~1b~0c"


def test_every_fault_is_told_at_once() -> None:
    """Missing, unknown and wrong members are named in the order in which they were found."""
    faults = Faults()
    terms = {"price": True, "colour": "red"}
    given = faults.members("", terms, required=("price", "block"), optional=("step",))
    assert given == {"price": True}
    faults.whole_number("/price", given["price"], 1, 9)
    with pytest.raises(TariffError, match="3 faults") as refused:
        faults.refuse()
    assert refused.value.facts["errors"] == [
        {"where": "/block", "what": "is missing"},
        {"where": "/colour", "what": "is not known here"},
        {"where": "/price", "what": "must be a whole number from 1 to 9"},
    ]


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_what_is_no_object_has_no_members(value: object) -> None:
    """Anything but an object is a fault of its own, and no member is missed in it."""
    faults = Faults()
    assert faults.members("/rates", value, required=("peak",)) == {}
    with pytest.raises(TariffError, match=r"1 fault$") as refused:
        faults.refuse()
    assert refused.value.facts["errors"] == [{"where": "/rates", "what": "must be an object"}]


def test_nothing_wrong_is_not_refused() -> None:
    """Both limits of a whole number are allowed."""
    faults = Faults()
    faults.whole_number("/price", 1, 1, 9)
    faults.whole_number("/price", 9, 1, 9)
    faults.refuse()
