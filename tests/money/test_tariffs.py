"""Tariffs as they are kept: versions that never change."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from twisted.internet.defer import Deferred

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import Conflict, Invalid, NotFound, RequestKeyReused, TariffError
from chargecloud.domain.tariff import Fee, Mark, Usage
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.money.tariffs import Tariff, Tariffs
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import tariffs as table
from tests.harness import NOW, Gathering, clock_at, failure_of, open_store, result_of, rows_of

ONE, TWO = 1, 2


def flat(electricity: int) -> dict[str, Any]:
    """One price all day, in 1e-5 yuan for a kWh, and nothing for service."""
    return {
        "rates": {"all": {"electricity": electricity, "service": 0}},
        "day": [{"from": "00:00", "rate": "all"}],
    }


@pytest.fixture
def tariffs(tmp_path: Path) -> Iterator[Tariffs]:
    """No tariffs yet, of the kinds that come with the platform."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    kinds = {kind.kind: kind for kind in builtin_tariffs()}
    yield Tariffs(store, Calendar(clock.seconds), kinds)
    store.engine.dispose()


def make(
    tariffs: Tariffs, tenant_id: int = ONE, name: str = "flat", request: RequestKey | None = None
) -> Tariff:
    """Make a tariff of 0.60 yuan."""
    made: Tariff = result_of(tariffs.create(request, tenant_id, name, "time_of_use", flat(60000)))
    return made


def test_a_tariff_is_kept_as_its_kind_checked_it(tariffs: Tariffs) -> None:
    """In its first version, with the terms in their canonical form."""
    made = make(tariffs)
    checked = tariffs.kinds["time_of_use"].check(flat(60000))
    assert made == Tariff(made.id, 1, ONE, "flat", "time_of_use", checked, NOW)
    assert result_of(tariffs.get(ONE, made.id)) == made
    assert result_of(tariffs.get(ONE, made.id, version=1)) == made


def test_terms_must_be_right(tariffs: Tariffs) -> None:
    """A tariff that cannot price is not made, nor is a kind invented."""
    failure_of(tariffs.create(None, ONE, "bad", "time_of_use", {}), TariffError)
    failure_of(tariffs.create(None, ONE, "bad", "by_weight", {}), Invalid)
    made = make(tariffs)
    failure_of(tariffs.revise(None, ONE, made.id, {}), TariffError)
    assert [row["version"] for row in rows_of(tariffs.store, table)] == [1]


def test_a_revision_leaves_the_old_version(tariffs: Tariffs) -> None:
    """The newest is found without a version; orders that run find theirs."""
    first = make(tariffs)
    second = result_of(tariffs.revise(None, ONE, first.id, flat(70000)))
    assert (second.id, second.version, second.name) == (first.id, 2, "flat")
    assert result_of(tariffs.get(ONE, first.id)) == second
    assert result_of(tariffs.get(ONE, first.id, version=1)) == first
    failure_of(tariffs.get(ONE, first.id, version=3), NotFound)


def test_a_bill_names_the_version_that_made_it(tariffs: Tariffs) -> None:
    """The old version prices as it always did."""
    first = make(tariffs)
    second = result_of(tariffs.revise(None, ONE, first.id, flat(70000)))
    marks = (Mark(NOW, 0), Mark(NOW + timedelta(hours=1), 2_000_000))
    usage = Usage(ZoneInfo("Asia/Shanghai"), 3600, marks)
    for tariff, amount_fen in ((first, 120), (second, 140)):
        bill = tariffs.bill(tariff, usage)
        assert (bill.tariff_id, bill.tariff_version) == (first.id, tariff.version)
        assert bill.amount_fen == bill.fee_fen(Fee.ELECTRICITY) == amount_fen


def test_two_revisions_at_the_same_moment(tariffs: Tariffs) -> None:
    """One is made, the other is told that it was not: nobody's prices are overwritten."""
    made = make(tariffs)
    gathering = tariffs.store.writer.runner = Gathering()
    both = [
        Deferred.fromCoroutine(tariffs.revise(None, ONE, made.id, flat(price)))
        for price in (70000, 80000)
    ]
    gathering.do_all()
    assert result_of(both[0]).version == 2
    failure_of(both[1], Conflict)
    assert [row["version"] for row in rows_of(tariffs.store, table)] == [1, 2]


def test_a_repeated_request_makes_one_version(tariffs: Tariffs) -> None:
    """Of a new tariff as of a revision; the key is good for nothing else."""
    made = make(tariffs, request=RequestKey(ONE, "make", "a"))
    assert make(tariffs, request=RequestKey(ONE, "make", "a")) == made
    request = RequestKey(ONE, "revise", "b")
    for _ in range(2):
        revised = result_of(tariffs.revise(request, ONE, made.id, flat(70000)))
        assert revised.version == 2
    other = tariffs.revise(RequestKey(ONE, "revise", "c"), ONE, made.id, flat(80000))
    failure_of(other, RequestKeyReused)
    assert [row["version"] for row in rows_of(tariffs.store, table)] == [1, 2]


def test_the_list_has_the_newest_versions(tariffs: Tariffs) -> None:
    """Each tariff once, in pages, the oldest tariff first."""
    made = [make(tariffs, name=name) for name in ("a", "b", "c")]
    revised = result_of(tariffs.revise(None, ONE, made[0].id, flat(70000)))
    first, cursor = result_of(tariffs.list(ONE, limit=2, cursor=None))
    rest, end = result_of(tariffs.list(ONE, limit=2, cursor=cursor))
    assert ([*first, *rest], end) == ([revised, made[1], made[2]], None)


@pytest.mark.parametrize("version", [None, 1])
def test_tenants_see_their_own_tariffs(tariffs: Tariffs, version: int | None) -> None:
    """Another's tariff is not there, to be read or revised; the platform sees all."""
    mine, other = make(tariffs, ONE), make(tariffs, TWO)
    failure_of(tariffs.get(ONE, other.id, version), NotFound)
    failure_of(tariffs.revise(None, ONE, other.id, flat(1)), NotFound)
    assert result_of(tariffs.get(None, other.id, version)) == other
    for tenant_id, expected in ((ONE, [mine]), (TWO, [other]), (None, [mine, other])):
        found = result_of(tariffs.list(tenant_id, limit=10, cursor=None))
        assert found == (expected, None)
