"""C{/sites}"""

from typing import Any

import pytest

from tests.web.resources.asking import Asking
from tests.world import World

CAMPUS = {"name": "North campus", "time_zone": "Asia/Shanghai"}


def test_a_site_is_made_and_shown(world: World, api: Asking) -> None:
    """What was said of a site is what is shown of it, by itself and in the list."""
    tariff = world.make("/tariffs", {"name": "t", "kind": "by_time", "terms": BY_TIME})
    about = CAMPUS | {"address": "1 Road", "lat": 39.9, "lon": -116.4, "tariff_id": tariff["id"]}
    made = api.made("/sites", about)
    assert about.items() <= made.items()
    assert api.found(f"/sites/{made['id']}") == made
    assert api.found("/sites")["items"] == [made]


BY_TIME = {"price_fen": 100, "block_s": 9000, "electricity": 60000}


def test_what_is_not_said_of_a_site_is_null(api: Asking) -> None:
    """Missing is not zero: a site without coordinates is not in the Gulf of Guinea."""
    made = api.made("/sites", CAMPUS)
    assert [made[name] for name in ("address", "lat", "lon", "tariff_id")] == [None] * 4


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"name": ""}, "/name"),
        ({"lat": 90.5}, "/lat"),
        ({"lon": -181}, "/lon"),
        ({"tariff_id": "x"}, "/tariff_id"),
        ({"tariff_id": "9" * 19}, "/tariff_id"),
        ({"tenant_id": "77"}, "/tenant_id"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_site_that_cannot_be(api: Asking, wrong: dict[str, Any], place: str) -> None:
    """Each fault is told with its place, and nothing is made."""
    answer = api.ask("POST", "/sites", CAMPUS | wrong)
    assert (answer.status, answer.places) == (422, [place])
    assert api.found("/sites")["items"] == []


def test_there_is_no_such_site_or_tariff(api: Asking) -> None:
    """What is not there is not found, in a path and in a body."""
    assert api.ask("GET", "/sites/5").status == 404
    assert api.ask("GET", "/sites/north").status == 404
    assert api.ask("GET", f"/sites/{'9' * 19}").status == 404
    assert api.ask("POST", "/sites", CAMPUS | {"tariff_id": "5"}).status == 404


def test_the_administrator_names_the_tenant_where_there_are_two(api: Asking) -> None:
    """The platform's own token belongs to no tenant, so it has to say whose the site is."""
    tenant_id, token = api.tenant("second")
    assert api.ask("POST", "/sites", CAMPUS).places == ["/tenant_id"]
    made = api.made("/sites", CAMPUS | {"tenant_id": tenant_id})
    assert api.found(f"/sites/{made['id']}", token=token)["tenant_id"] == tenant_id
