"""C{/tariffs}"""

from datetime import datetime
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


OCPI = {
    "country_code": "CN",
    "party_id": "CHC",
    "id": "by-the-hour",
    "currency": "CNY",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.25, "vat": 10, "step_size": 1},
                {"type": "PARKING_TIME", "price": 2, "vat": 20, "step_size": 900},
            ]
        }
    ],
    "last_updated": "2026-11-01T00:00:00Z",
}
PARKED = {
    "start": "2026-11-23T09:00:00+08:00",
    "end": "2026-11-23T09:40:00+08:00",
    "state": "parked",
    "energy_wh": 0,
}


def test_a_tariff_of_ocpi(api: Asking) -> None:
    """Taken and given as it is, and priced with tax apart."""
    made = api.made("/tariffs", {"ocpi": OCPI})
    assert (made["name"], made["kind"]) == ("by-the-hour", "ocpi")
    assert [each["code"] for each in made["remarks"]] == ["parking-in-quotes-only"]
    assert api.found(f"/tariffs/{made['id']}/ocpi") == {"ocpi": OCPI}
    body = {"time_zone": "Asia/Shanghai", "periods": [HOUR | {"energy_wh": 20_000}, PARKED]}
    quote = api.ask("POST", f"/tariffs/{made['id']}/quote", body).json
    assert (quote["excl_vat"], quote["incl_vat"], quote["amount_fen"]) == ("6.5", "7.3", 730)
    assert [line["vat_percent"] for line in quote["lines"]] == ["10", "20"]
    again = api.made(f"/tariffs/{made['id']}/versions", {"ocpi": OCPI | {"id": "2"}})
    assert (again["version"], again["terms"]["id"]) == (2, "2")


def test_faults_of_ocpi_have_their_place(api: Asking) -> None:
    """An element behind one that always holds is never reached."""
    twice = OCPI | {"elements": OCPI["elements"] * 2}  # type: ignore[operator]
    answer = api.ask("POST", "/tariffs", {"ocpi": twice})
    assert answer.status == 422
    assert answer.places == [
        "/ocpi/elements/1/price_components/0",
        "/ocpi/elements/1/price_components/1",
    ]


def test_a_foreign_currency_is_for_quotes_only(api: Asking) -> None:
    """A site's orders are paid from wallets in yuan."""
    made = api.made("/tariffs", {"ocpi": OCPI | {"currency": "EUR"}})
    site = {"name": "x", "time_zone": "Asia/Shanghai", "tariff_id": made["id"]}
    assert api.ask("POST", "/sites", site).places == ["/tariff_id"]


def test_our_tariffs_as_ocpi_says_them(api: Asking) -> None:
    """By time of use and by time; what has too many decimals cannot be said."""
    made = api.made("/tariffs", NEW)
    where = f"/tariffs/{made['id']}/ocpi?country_code=CN&party_id=CHC"
    shown = api.found(where)["ocpi"]
    assert shown["elements"] == [
        {"price_components": [{"type": "ENERGY", "price": 1.0, "step_size": 1}]}
    ]
    assert api.made("/tariffs", {"ocpi": shown})["kind"] == "ocpi"
    terms = {"price_fen": 100, "block_s": 9000, "electricity": 60000}
    timed = api.made("/tariffs", {"name": "t", "kind": "by_time", "terms": terms})
    assert [each["code"] for each in timed["remarks"]] == ["metering-by-energy-is-due"]
    hourly = api.found(f"/tariffs/{timed['id']}/ocpi?country_code=CN&party_id=CHC")["ocpi"]
    (component,) = hourly["elements"][0]["price_components"]
    assert component == {"type": "TIME", "price": 0.4, "step_size": 60}
    odd = api.made("/tariffs", {"name": "o", "kind": "by_time", "terms": terms | {"block_s": 7}})
    assert api.ask("GET", f"/tariffs/{odd['id']}/ocpi").status == 409


def test_a_charge_that_may_wait(api: Asking) -> None:
    """It begins when it costs the least, and is over when it must be."""
    rates = {
        "day": {"electricity": 100_000, "service": 0},
        "night": {"electricity": 30_000, "service": 0},
    }
    day = [{"from": "00:00", "rate": "night"}, {"from": "07:00", "rate": "day"},
           {"from": "23:00", "rate": "night"}]  # fmt: skip
    made = api.made("/tariffs", NEW | {"terms": {"rates": rates, "day": day}})
    body = {"time_zone": "Asia/Shanghai", "periods": [HOUR]}
    for ready_by, starts_at, fen in (
        ("2026-11-24T06:00:00+08:00", "2026-11-23T23:00:00+08:00", 30),
        ("2026-11-23T23:30:00+08:00", "2026-11-23T22:30:00+08:00", 65),
        ("2026-11-23T12:00:00+08:00", "2026-11-23T08:00:00+08:00", 100),
    ):
        quote = api.ask("POST", f"/tariffs/{made['id']}/quote", body | {"ready_by": ready_by}).json
        begins = datetime.fromisoformat(quote["starts_at"])
        assert (begins, quote["amount_fen"]) == (datetime.fromisoformat(starts_at), fen)
    late = body | {"ready_by": "2026-11-23T08:30:00+08:00"}
    assert api.ask("POST", f"/tariffs/{made['id']}/quote", late).places == ["/ready_by"]
