"""C{/tariffs}"""

from typing import Any

import pytest

from chargecloud.domain.errors import TariffError
from chargecloud.money.by_time import ByTime
from chargecloud.plugins import Plugins
from tests.web.resources.asking import Asking
from tests.world import FLAT, World

NEW = {"name": "Campus", "kind": "time_of_use", "terms": FLAT}
HOUR = {
    "start": "2026-11-23T08:00:00+08:00",
    "end": "2026-11-23T09:00:00+08:00",
    "state": "charging",
    "energy_wh": 1000,
}


def quoted(api: Asking, *periods: dict[str, Any], zone: str = "Asia/Shanghai") -> Any:
    """The answer to a described charge at a flat price of 1 yuan for a kWh."""
    tariff = api.made("/tariffs", NEW)
    body = {"time_zone": zone, "periods": list(periods)}
    return api.ask("POST", f"/tariffs/{tariff['id']}/quote", body)


def test_a_tariff_is_made_and_shown(api: Asking) -> None:
    """A tariff begins with version 1."""
    made = api.made("/tariffs", NEW)
    assert (made["name"], made["kind"], made["version"]) == ("Campus", "time_of_use", 1)
    assert api.found(f"/tariffs/{made['id']}") == made
    assert api.found("/tariffs")["items"] == [made]


def test_a_tariff_is_revised(api: Asking) -> None:
    """A new version takes the place of the old one wherever tariffs are shown."""
    first = api.made("/tariffs", NEW)
    dearer = FLAT | {"rates": {"all": {"electricity": 70000, "service": 40000}}}
    second = api.made(f"/tariffs/{first['id']}/versions", {"terms": dearer})
    assert (second["id"], second["version"]) == (first["id"], 2)
    assert second["terms"]["rates"] != first["terms"]["rates"]
    assert api.found(f"/tariffs/{first['id']}") == second
    assert api.found("/tariffs")["items"] == [second]


@pytest.mark.parametrize("revised", [False, True])
def test_every_fault_of_terms_has_its_place_in_the_body(api: Asking, revised: bool) -> None:
    """The pointers lead from the body's root, whether the tariff is new or revised."""
    terms = {"rates": {"all": {"electricity": -1, "service": 40000}}, "moon": "full"}
    path, body = "/tariffs", NEW | {"terms": terms}
    if revised:
        path, body = f"/tariffs/{api.made('/tariffs', NEW)['id']}/versions", {"terms": terms}
    answer = api.ask("POST", path, body)
    assert (answer.status, answer.kind) == (422, "invalid-tariff")
    assert sorted(answer.places) == ["/terms/day", "/terms/moon", "/terms/rates/all/electricity"]


def test_a_kind_of_tariff_that_is_not_installed(api: Asking) -> None:
    """The kinds that are there are named."""
    answer = api.ask("POST", "/tariffs", NEW | {"kind": "by_moon"})
    assert (answer.status, answer.places) == (422, ["/kind"])
    assert "by_time, composed, ocpi, time_of_use" in answer.json["errors"][0]["detail"]


def test_a_plugins_tariff_may_refuse_without_places(tmp_path: Any) -> None:
    """A vendor's tariff that only says no is a refusal, and no fault of ours."""

    class Moody(ByTime):
        kind = "moody"

        def check(self, terms: Any) -> Any:
            raise TariffError("not today")

    world = World(tmp_path, plugins=Plugins({}, {"moody": Moody()}, {}))
    answer = Asking(world).ask("POST", "/tariffs", NEW | {"kind": "moody"})
    assert (answer.status, answer.kind, answer.places) == (422, "invalid-tariff", [])


def test_a_quote(api: Asking) -> None:
    """1 kWh at 0.60 + 0.40 yuan is 1 yuan, in the lines that a bill would have."""
    answer = quoted(api, HOUR)
    assert answer.status == 200
    quote = answer.json
    assert (quote["amount_fen"], quote["incl_vat"]) == (100, "1")
    assert [(line["fee"], line["amount_fen"]) for line in quote["lines"]] == [
        ("electricity", 60),
        ("service", 40),
    ]


@pytest.mark.parametrize(
    ("periods", "place"),
    [
        ([], "/periods"),
        ([HOUR | {"end": HOUR["start"]}], "/periods/0/end"),
        ([HOUR, HOUR], "/periods/1/start"),
        ([HOUR | {"energy_wh": -1}], "/periods/0/energy_wh"),
        ([HOUR | {"energy_wh": 2**53 - 1}], "/periods/0/energy_wh"),
        ([HOUR | {"start": "2026-11-23T08:00:00"}], "/periods/0/start"),
        ([HOUR | {"start": "0001-01-01T00:00:00Z"}], "/periods/0/start"),
        ([HOUR | {"end": "9999-12-31T23:00:00Z"}], "/periods/0/end"),
        ([HOUR | {"end": "2027-11-23T08:00:00Z"}], "/periods"),
    ],
)
def test_a_charge_that_cannot_be_quoted(
    api: Asking, periods: list[dict[str, Any]], place: str
) -> None:
    """Nothing that is described wrongly is priced, however large its numbers are."""
    answer = quoted(api, *periods)
    assert (answer.status, answer.places) == (422, [place])


def test_a_quote_in_no_time_zone(api: Asking) -> None:
    """Prices follow the site's time zone, so it must be one."""
    assert quoted(api, HOUR, zone="Nowhere").places == ["/time_zone"]


def test_there_is_no_such_tariff(api: Asking) -> None:
    """Nothing can be done with what is not there."""
    assert api.ask("GET", "/tariffs/5").status == 404
    assert api.ask("POST", "/tariffs/5/versions", {"terms": FLAT}).status == 404
    body = {"time_zone": "Asia/Shanghai", "periods": [HOUR]}
    assert api.ask("POST", "/tariffs/5/quote", body).status == 404
