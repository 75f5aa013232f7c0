"""Sites."""

import pytest

from chargecloud.domain.errors import Invalid, NotFound, RequestKeyReused
from chargecloud.registry.sites import Site
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import event_log, sites
from tests.harness import NOW, failure_of, result_of, rows_of
from tests.registry.registry_parts import ONE, TWO, Registry


def test_a_site_is_kept_as_it_was_made(registry: Registry) -> None:
    """With all that describes it; features hear of it."""
    made = result_of(
        registry.sites.create(
            None,
            ONE,
            name="North",
            time_zone="Asia/Shanghai",
            address="1 Campus Road",
            lat=31.2,
            lon=121.5,
            tariff_id=77,
        )
    )
    assert made == Site(
        id=made.id,
        tenant_id=ONE,
        name="North",
        time_zone="Asia/Shanghai",
        created_at=NOW,
        address="1 Campus Road",
        lat=31.2,
        lon=121.5,
        tariff_id=77,
    )
    assert result_of(registry.sites.get(ONE, made.id)) == made
    (entry,) = rows_of(registry.store, event_log)
    assert (entry["kind"], entry["tenant_id"]) == ("site.created", ONE)
    assert entry["body"] == {"site_id": made.id, "name": "North"}


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_a_time_zone_must_exist(registry: Registry, name: str) -> None:
    """A site's days and prices follow it; a name that is none makes no site."""
    failure_of(registry.sites.create(None, ONE, name="North", time_zone=name), Invalid)
    assert rows_of(registry.store, sites) == []


def test_a_repeated_request_makes_one_site(registry: Registry) -> None:
    """The same key gives the same site; with another request it is a mistake."""
    first = registry.site(request=RequestKey(ONE, "k", "north"))
    assert registry.site(request=RequestKey(ONE, "k", "north")) == first
    south = registry.sites.create(
        RequestKey(ONE, "k", "south"), ONE, name="South", time_zone="Asia/Shanghai"
    )
    failure_of(south, RequestKeyReused)
    assert len(rows_of(registry.store, sites)) == 1


def test_tenants_see_their_own_sites(registry: Registry) -> None:
    """Another's site is not there; the platform sees all."""
    mine, other = registry.site(ONE), registry.site(TWO)
    failure_of(registry.sites.get(ONE, other.id), NotFound)
    failure_of(registry.sites.get(ONE, 12345), NotFound)
    assert result_of(registry.sites.get(None, other.id)) == other
    for tenant_id, expected in ((ONE, [mine]), (TWO, [other]), (None, [mine, other]), (3, [])):
        found = result_of(registry.sites.list(tenant_id, limit=10, cursor=None))
        assert found == (expected, None)


def test_sites_come_in_pages(registry: Registry) -> None:
    """The oldest first."""
    made = [registry.site() for _ in range(3)]
    first, cursor = result_of(registry.sites.list(ONE, limit=2, cursor=None))
    rest, end = result_of(registry.sites.list(ONE, limit=2, cursor=cursor))
    assert ([*first, *rest], end) == (made, None)
