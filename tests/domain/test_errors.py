"""What can be refused."""

from collections.abc import Iterator

import pytest

from chargecloud.domain.errors import AlreadyExists, Conflict, Refusal, RemoteError, TariffError


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    """A class and all that derive from it within the domain's errors."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield from descendants(child)


@pytest.mark.parametrize("root", [Refusal, RemoteError])
def test_each_error_has_a_code_of_its_own(root: type[Exception]) -> None:
    """The codes are what programs tell errors by."""
    codes = [vars(kind)["code"] for kind in descendants(root)]
    assert len(codes) > 1
    assert len(set(codes)) == len(codes)


def test_a_refusal_says_why() -> None:
    """One sentence for a person, and facts for a program."""
    errors = [{"where": "/day", "what": "is missing"}]
    refusal = TariffError("the terms have 1 fault", errors=errors)
    assert str(refusal) == refusal.detail == "the terms have 1 fault"
    assert refusal.facts == {"errors": errors}


def test_conflicts_can_be_caught_as_one() -> None:
    """A caller that only needs to know that it did not go need not list the reasons."""
    with pytest.raises(Conflict):
        raise AlreadyExists("the identity is taken")
