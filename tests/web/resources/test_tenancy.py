"""A token of one tenant sees nothing of another tenant, through no route at all."""

from typing import Any

import pytest
from attrs import frozen

from chargecloud.features.sandbox.feature import SandboxSettings
from chargecloud.plugins import Plugins, load_plugins
from tests.features.test_firmware import VENDOR, signed
from tests.web.resources.asking import Asking
from tests.world import FLAT, Box, World

#: in the names of everything that is the first tenant's
MARK = "alpha"

HOUR = {
    "start": "2026-11-23T08:00:00+08:00",
    "end": "2026-11-23T09:00:00+08:00",
    "state": "charging",
    "energy_wh": 1000,
}
SITE = {"name": MARK, "time_zone": "Asia/Shanghai"}
CHARGER = {
    "site_id": "{site_id}",
    "dialect": "native",
    "identity": "X-1",
    "name": "x",
    "ports": 1,
    "kind": "ebike",
    "rated_w": 800,
}
RULE = {
    "name": MARK,
    "valid_from": "2026-01-01",
    "terms": {
        "electricity": [{"party_id": "{party_id}", "rest": True}],
        "service": [{"party_id": "{party_id}", "rest": True}],
    },
}
COUPON = {
    "code": MARK,
    "percent": 10,
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2027-01-01T00:00:00Z",
}
MONTH_CARD = {"customer_id": "{customer_id}", "price_fen": 100, "days": 30}

VERIFICATION = {"charger_id": "{charger_id}", "reference": MARK, "inspector": MARK}
MEASURED = {
    "port": 1,
    "register_start_mwh": 0,
    "register_end_mwh": 10**6,
    "reference_mwh": 10**6,
}

#: what is the platform's, and to be seen by all
SHARED = {"/firmware/vendors", "/firmware/images"}
#: how the other tenant tries each route with the ids of the first one's things
ATTEMPTS: dict[tuple[str, str], Any] = {
    ("POST", "/sites"): SITE | {"tenant_id": "{tenant_id}"},
    ("GET", "/sites"): None,
    ("GET", "/sites/{site_id}"): None,
    ("POST", "/chargers"): CHARGER,
    ("GET", "/chargers"): None,
    ("GET", "/chargers/{charger_id}"): None,
    ("PATCH", "/sites/{site_id}"): {"name": "mine"},
    ("GET", "/chargers/{charger_id}/frames"): None,
    ("PATCH", "/chargers/{charger_id}"): {"name": "mine"},
    ("POST", "/chargers/{charger_id}/decommission"): {"reason": "mine"},
    ("POST", "/chargers/import"): {"not": "a table"},
    ("POST", "/chargers/commands"): {"site_id": "{site_id}", "name": "set_time"},
    ("POST", "/chargers/claim"): {"identity": "EB-1", "code": "0", "site_id": "{site_id}"},
    ("POST", "/chargers/{charger_id}/release"): None,
    ("POST", "/chargers/{charger_id}/board"): {"identity": "EB-1", "code": "0"},
    ("POST", "/chargers/{charger_id}/start-codes"): {"customer_id": "{customer_id}"},
    ("GET", "/chargers/{charger_id}/keys"): None,
    ("POST", "/chargers/{charger_id}/keys"): None,
    ("PUT", "/chargers/{charger_id}/keys"): {},
    ("DELETE", "/chargers/{charger_id}/keys"): None,
    ("POST", "/chargers/{charger_id}/commands"): {"name": "stop", "port": 1},
    ("GET", "/chargers/{charger_id}/commands/{command_id}"): None,
    ("POST", "/firmware/vendors"): {"name": "x", "public_key": "00" * 32},
    ("GET", "/firmware/vendors"): None,
    ("POST", "/firmware/images"): {"manifest": "00", "signature": "0" * 128, "image": "AA=="},
    ("GET", "/firmware/images"): None,
    ("DELETE", "/firmware/images/{number}"): None,
    ("POST", "/firmware/campaigns"): {"name": "x", "image": 1},
    ("GET", "/firmware/campaigns"): None,
    ("GET", "/firmware/campaigns/{campaign_id}"): None,
    ("GET", "/firmware/campaigns/{campaign_id}/chargers"): None,
    ("POST", "/firmware/campaigns/{campaign_id}/halt"): None,
    ("POST", "/firmware/campaigns/{campaign_id}/resume"): {},
    ("POST", "/firmware/campaigns/{campaign_id}/rollback"): {"image": 1},
    ("POST", "/coupons"): COUPON | {"site_id": "{site_id}"},
    ("GET", "/coupons"): None,
    ("GET", "/coupons/{coupon_id}"): None,
    ("POST", "/coupons/{coupon_id}/revoke"): None,
    ("POST", "/month-cards"): MONTH_CARD,
    ("GET", "/month-cards"): None,
    ("GET", "/month-cards/{month_card_id}"): None,
    ("POST", "/month-cards/{month_card_id}/return"): None,
    ("POST", "/customers"): {"name": "x", "tenant_id": "{tenant_id}"},
    ("GET", "/customers"): None,
    ("GET", "/customers/{customer_id}"): None,
    ("GET", "/wallets/{customer_id}"): None,
    ("POST", "/wallets/{customer_id}/top-ups"): {"amount_fen": 5},
    ("GET", "/wallets/{customer_id}/movements"): None,
    ("POST", "/wallets/{customer_id}/transfers"): {
        "to_customer_id": "{customer_id}",
        "amount_fen": 5,
    },
    ("POST", "/wallets/{customer_id}/withdrawals"): {"amount_fen": 5, "reason": "mine"},
    ("GET", "/ledger"): None,
    ("GET", "/ledger/accounts"): None,
    ("POST", "/payments"): {
        "channel": "sandbox",
        "amount_fen": 5,
        "order": {"charger_id": "{charger_id}", "port": 1},
    },
    ("GET", "/payments"): None,
    ("GET", "/payments/{payment_id}"): None,
    ("POST", "/payments/{payment_id}/refunds"): {"reason": "mine"},
    ("GET", "/refunds"): None,
    ("POST", "/payments/reconciliations"): {
        "channel": "sandbox",
        "day": "2026-11-22",
        "tenant_id": "{tenant_id}",
    },
    ("GET", "/payments/reconciliations"): None,
    ("GET", "/payments/reconciliations/{reconciliation_id}"): None,
    ("POST", "/sandbox/payments/{payment_id}/pay"): None,
    ("POST", "/sandbox/manners"): {"notice_times": 2},
    ("POST", "/tariffs"): {
        "name": "x",
        "kind": "time_of_use",
        "terms": FLAT,
        "tenant_id": "{tenant_id}",
    },
    ("GET", "/tariffs"): None,
    ("GET", "/tariffs/{tariff_id}"): None,
    ("GET", "/tariffs/{tariff_id}/ocpi"): None,
    ("POST", "/tariffs/{tariff_id}/versions"): {"terms": FLAT},
    ("POST", "/tariffs/{tariff_id}/quote"): {"time_zone": "Asia/Shanghai", "periods": [HOUR]},
    ("POST", "/orders"): {"charger_id": "{charger_id}", "port": 1},
    ("GET", "/orders"): None,
    ("GET", "/orders/{order_id}"): None,
    ("GET", "/orders/{order_id}/bill"): None,
    ("POST", "/orders/{order_id}/limits"): {"energy_wh": 100},
    ("POST", "/orders/{order_id}/stop"): None,
    ("GET", "/orders/{order_id}/curve"): None,
    ("GET", "/orders/{order_id}/events"): None,
    ("POST", "/orders/{order_id}/resolve"): {"action": "cancel", "reason": "x"},
    ("GET", "/orders/unmatched"): None,
    ("POST", "/orders/unmatched/{record_id}/resolve"): {"action": "dismiss", "reason": "x"},
    ("GET", "/orders/disputes"): None,
    ("POST", "/orders/disputes/{dispute_id}/resolve"): {"action": "keep", "reason": "x"},
    ("POST", "/cards"): {"uid": "04A1B2C4", "customer_id": "{customer_id}"},
    ("GET", "/cards"): None,
    ("GET", "/cards/{card_id}"): None,
    ("PATCH", "/cards/{card_id}"): {"status": "blocked"},
    ("GET", "/sites/{site_id}/cut-off"): None,
    ("PUT", "/sites/{site_id}/cut-off/{kind}"): {"full_w": 1},
    ("GET", "/statistics"): None,
    ("POST", "/parties"): {"level": "owner", "name": "x", "tenant_id": "{tenant_id}"},
    ("GET", "/parties"): None,
    ("GET", "/parties/{party_id}"): None,
    ("POST", "/split-rules"): RULE | {"tenant_id": "{tenant_id}"},
    ("GET", "/split-rules"): None,
    ("GET", "/split-rules/{rule_id}"): None,
    ("PUT", "/split-rules/{rule_id}"): RULE,
    ("DELETE", "/split-rules/{rule_id}"): None,
    ("POST", "/settlements"): {"tenant_id": "{tenant_id}"},
    ("GET", "/settlements"): None,
    ("GET", "/settlements/held"): None,
    ("GET", "/settlements/{settlement_id}"): None,
    ("GET", "/settlements/{settlement_id}/lines"): None,
    ("GET", "/settlements/{settlement_id}/channel-splits"): None,
    ("GET", "/settlements/{settlement_id}/statements/{party_id}.csv"): None,
    ("GET", "/settlements/{settlement_id}/statements/{party_id}.xlsx"): None,
    ("POST", "/sites/{site_id}/meter-readings"): {"energy_wh": 1},
    ("GET", "/sites/{site_id}/meter-readings"): None,
    ("GET", "/metering"): None,
    ("GET", "/metering/{charger_id}"): None,
    ("GET", "/metering/{charger_id}/orders"): None,
    ("POST", "/metering/sessions"): VERIFICATION,
    ("GET", "/metering/sessions"): None,
    ("GET", "/metering/sessions/{session_id}"): None,
    ("POST", "/metering/sessions/{session_id}/readings"): MEASURED,
    ("POST", "/metering/sessions/{session_id}/finish"): None,
    ("GET", "/metering/certificates"): None,
    ("GET", "/metering/certificates/{certificate}"): None,
    ("GET", "/metering/certificates/{certificate}/page"): None,
}
#: answered by no JSON, and by nothing as long as the settlement is under way
FILES = ".csv", ".xlsx"


@frozen
class Neighbours:
    """Two tenants of one platform.

    @ivar box: the first one's, with a bill that is paid and a charge that is under way.
    @ivar ids: of the first one's things, by what paths call them.
    @ivar stranger: a token of the second one that may do everything.
    @ivar seen: all that the platform's administrator sees of the first one's things.
    """

    api: Asking
    box: Box
    ids: dict[str, str]
    stranger: str
    seen: list[Any]


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Neighbours:
    """One who has everything, and one who has nothing.  They are the same for all tests: none
    moves anything, which is what the tests are about."""
    world = World(tmp_path_factory.mktemp("neighbours"), **_with_features(load_plugins(entries=())))
    for following in world.platform.followings:
        following.startService()
    api = Asking(world)
    tenant_id, token = api.tenant(MARK)
    tariff = api.made("/tariffs", {"name": MARK, "kind": "time_of_use", "terms": FLAT}, token=token)
    site = api.made("/sites", SITE | {"tariff_id": tariff["id"]}, token=token)
    new = CHARGER | {"site_id": site["id"], "name": MARK, "identity": MARK}
    charger = api.made("/chargers", new, token=token)
    customer = api.made("/customers", {"name": MARK}, token=token)
    api.made(f"/wallets/{customer['id']}/top-ups", {"amount_fen": 1000}, token=token)
    box = Box(world, int(charger["id"]), MARK, bytes.fromhex(charger["key"])).connect()
    wish = {"charger_id": charger["id"], "port": 1, "customer_id": customer["id"]}
    order = api.made("/orders", wish, token=token)
    started = box.pump().begin()
    world.pass_time(60, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 60)
    assert api.found("/statistics", token=token)["orders"] == 1
    # told again, otherwise, and told of an order that there never was
    box.end(4, started.order_id, 5_000_000, 50)
    box.end(5, started.order_id + 1, 5_000_000, 60)
    card = api.made("/cards", {"uid": "04A1B2C3", "customer_id": customer["id"]}, token=token)
    api.made("/orders", wish, token=token)
    box.pump().begin(3)
    path = f"/chargers/{charger['id']}/commands"
    command = api.ask("POST", path, {"name": "set_time"}, token=token, prefer="respond-async")
    box.pump().heard.clear()
    key = VENDOR.public_key().public_bytes_raw().hex()
    api.made("/firmware/vendors", {"name": "Example", "public_key": key})
    image = api.made("/firmware/images", signed())
    campaign = api.made("/firmware/campaigns", {"name": MARK, "image": 1}, token=token)
    verification = _filled(VERIFICATION, {"charger_id": charger["id"]})
    session = api.made("/metering/sessions", verification, token=token)
    path = f"/metering/sessions/{session['id']}"
    api.made(f"{path}/readings", MEASURED, token=token)
    finished = api.ask("POST", f"{path}/finish", token=token).json
    new_payment = {"channel": "sandbox", "amount_fen": 5, "customer_id": customer["id"]}
    payment = api.made("/payments", new_payment | {"subject": MARK}, token=token)
    sandbox: Any = world.platform.channels.find("sandbox")
    # it was there before the platform
    sandbox.since = None
    bill = {"channel": "sandbox", "day": "2026-11-22"}
    reconciliation = api.made("/payments/reconciliations", bill, token=token)
    party = api.made("/parties", {"level": "owner", "name": MARK}, token=token)
    rule = api.made("/split-rules", _filled(RULE, {"party_id": party["id"]}), token=token)
    settlement = api.made("/settlements", {}, token=token)
    api.made(f"/sites/{site['id']}/meter-readings", {"energy_wh": 5}, token=token)
    coupon = api.made("/coupons", COUPON, token=token)
    sold = _filled(MONTH_CARD, {"customer_id": customer["id"]})
    month_card = api.made("/month-cards", sold, token=token)
    (dispute,) = api.found("/orders/disputes", token=token)["items"]
    (record,) = api.found("/orders/unmatched", token=token)["items"]
    ids = {
        "kind": "ebike",
        "card_id": card["id"],
        "coupon_id": coupon["id"],
        "month_card_id": month_card["id"],
        "dispute_id": dispute["id"],
        "record_id": record["id"],
        "tenant_id": tenant_id,
        "tariff_id": tariff["id"],
        "site_id": site["id"],
        "charger_id": charger["id"],
        "customer_id": customer["id"],
        "payment_id": payment["id"],
        "reconciliation_id": reconciliation["id"],
        "order_id": order["id"],
        "command_id": command.json["id"],
        "number": str(image["number"]),
        "party_id": party["id"],
        "rule_id": rule["id"],
        "settlement_id": settlement["id"],
        "campaign_id": campaign["id"],
        "session_id": session["id"],
        "certificate": finished["certificate"],
    }
    stranger = api.tenant("second", "administrator")[1]
    return Neighbours(api, box, ids, stranger, _everything(api, ids))


def _with_features(plugins: Plugins) -> dict[str, Any]:
    features = plugins.features
    settings: dict[str, Any] = {name: feature.settings() for name, feature in features.items()}
    settings["sandbox"] = SandboxSettings(payments=True)
    return {"plugins": plugins, "feature_settings": settings}


def _filled(given: Any, ids: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {name: _filled(value, ids) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(each, ids) for each in given]
    if isinstance(given, str) and given.startswith("{"):
        return given.format_map(ids)
    return given


def test_every_route_is_tried(neighbours: Neighbours) -> None:
    """Whoever adds a route says here how a stranger would try it."""
    declared = {
        (route.method.value, route.path)
        for route in neighbours.api.world.platform.routes
        if route.permission is not None
    }
    # what a stranger is told in an answer without end, and that they sign out nobody but
    # themselves, is tried beside the other tests of these two
    assert declared - {("GET", "/live"), ("DELETE", "/sessions")} == set(ATTEMPTS)


@pytest.mark.parametrize(("method", "path"), ATTEMPTS)
def test_a_stranger_sees_and_moves_nothing(neighbours: Neighbours, method: str, path: str) -> None:
    """What is another's is not found, a list of it is empty, and nothing happens to it."""
    api, ids = neighbours.api, neighbours.ids
    body = _filled(ATTEMPTS[method, path], ids)
    answer = api.ask(method, path.format_map(ids), body, token=neighbours.stranger)
    assert MARK not in str(answer.json)
    if path in SHARED and method == "GET":
        assert answer.status == 200
    elif "{" not in path and method == "GET":
        assert answer.status == 200
        assert answer.json.get("items", []) == []
        assert answer.json.get("orders", 0) == 0
    else:
        # what takes a table takes no object; its lines are tried beside its other tests
        assert answer.status in (404, 415 if path == "/chargers/import" else 422), answer
    assert neighbours.box.pump().heard == []
    assert _everything(api, ids) == neighbours.seen


def _everything(api: Asking, ids: dict[str, str]) -> list[Any]:
    """All that the platform's administrator sees of the first tenant's things."""
    return [
        api.found(path.format_map(ids))
        for method, path in ATTEMPTS
        if method == "GET" and not path.endswith(FILES)
        # a page says what its certificate does
        if method == "GET" and not path.endswith("/page")
    ]


@pytest.mark.parametrize("parameter", ["site_id", "charger_id", "customer_id"])
def test_a_strangers_query_narrows_nothing_out_of_nothing(
    neighbours: Neighbours, parameter: str
) -> None:
    """Another's id in a query finds nothing, as one that there is none of."""
    path = f"/orders?{parameter}={neighbours.ids[parameter]}"
    assert neighbours.api.found(path, token=neighbours.stranger)["items"] == []
    assert len(neighbours.api.found(path)["items"]) == 2


def test_a_strangers_site_takes_no_anothers_tariff(neighbours: Neighbours) -> None:
    """Nobody charges at a price that another tenant has made."""
    body = SITE | {"tariff_id": neighbours.ids["tariff_id"]}
    assert neighbours.api.ask("POST", "/sites", body, token=neighbours.stranger).status == 404


def test_a_token_is_needed(neighbours: Neighbours) -> None:
    """No route but those of health is open to the world."""
    for method, path in ATTEMPTS:
        assert _tried(neighbours, method, path, "guessed") == 401, path


def test_a_viewer_changes_nothing(neighbours: Neighbours) -> None:
    """A viewer's token reads, and a quote is all that it may have made."""
    _, viewer = neighbours.api.tenant("third", "viewer")
    writing = [attempt for attempt in ATTEMPTS if attempt[0] != "GET"]
    allowed = [attempt for attempt in writing if _tried(neighbours, *attempt, viewer) != 403]
    assert allowed == [("POST", "/tariffs/{tariff_id}/quote")]


def _tried(neighbours: Neighbours, method: str, path: str, token: str) -> int:
    body = _filled(ATTEMPTS[method, path], neighbours.ids)
    return neighbours.api.ask(method, path.format_map(neighbours.ids), body, token=token).status
