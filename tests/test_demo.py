"""The demonstration, as `make run` starts it: a real process, real sockets, twice."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from chargecloud.cli import main
from tests.live import Live, wait_until

DEMO = Path(__file__).parents[1] / "etc" / "demo.toml"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Live]:
    """The demonstration on other ports, with its files in a folder of the test."""
    live = Live(tmp_path, DEMO.read_text())
    yield live
    live.stop()


def _stop(demo: Live, order_id: str) -> None:
    """Stop an order, unless it has ended by itself meanwhile."""
    try:
        demo.ask("POST", f"/orders/{order_id}/stop")
    except HTTPError as error:
        if error.code != HTTPStatus.CONFLICT:
            raise
        state = demo.ask("GET", f"/orders/{order_id}")["state"]
        assert state in ("settled", "cancelled")


def _charging(live: Live) -> list[Any]:
    return live.all("/orders?state=charging")


def _meters_mwh(live: Live) -> int:
    flash = json.loads((live.folder / "var" / "simulator" / "flash.json").read_text())
    return sum(port["meter_mwh"] for box in flash["chargers"] for port in box["memory"]["ports"])


@pytest.mark.slow(lasts_s=30)
def test_the_demonstration_charges_goes_on_and_its_books_agree(demo: Live) -> None:
    """
    Twenty boxes charge within a minute; a second run goes on where the first stopped; and
    when all charges are over, energy and money of all orders are exactly what the
    simulated meters and the wallets say.
    """
    demo.start()
    boxes = wait_until(
        lambda: (
            {order["charger_id"] for order in _charging(demo)}
            if len({order["charger_id"] for order in _charging(demo)}) == 20
            else None
        ),
        60,
        "twenty boxes charging",
    )
    assert len(boxes) == 20
    before = {order["id"]: order for order in _charging(demo)}
    then = demo.ask("GET", "/readyz", base="")["calendar"]["now"]
    demo.stop()

    demo.config.write_text(demo.config.read_text().replace('"demo"', '"quiet"'))
    demo.start()
    assert demo.ask("GET", "/readyz", base="")["calendar"]["now"] >= then
    assert {order["id"] for order in demo.all("/orders")} >= set(before)
    wait_until(
        lambda: all(box["online"] for box in demo.all("/chargers")), 30, "all boxes are back"
    )
    some = next(iter(before))
    wait_until(
        lambda: (
            demo.ask("GET", f"/orders/{some}")["energy_mwh"] > before[some]["energy_mwh"]
            or demo.ask("GET", f"/orders/{some}")["state"] == "settled"
        ),
        30,
        "a charge of the first run goes on",
    )

    for order in _charging(demo):
        _stop(demo, order["id"])
    wait_until(lambda: not _charging(demo), 30, "all charges are over")
    orders = demo.all("/orders")
    # one that was stopped before it drew anything is cancelled, and costs nothing
    assert {order["state"] for order in orders} <= {"settled", "failed", "cancelled"}
    settled = [order for order in orders if order["state"] == "settled"]
    customers = [
        demo.ask("GET", f"/wallets/{customer['id']}") for customer in demo.all("/customers")
    ]
    movements = [
        movement
        for wallet in customers
        for movement in demo.all(f"/wallets/{wallet['customer_id']}/movements")
    ]
    statistics = demo.ask("GET", "/statistics?from=2026-11-01&to=2027-11-01")
    demo.stop()

    energy_mwh = sum(order["energy_mwh"] for order in settled)
    amount_fen = sum(order["amount_fen"] for order in settled)
    assert energy_mwh == _meters_mwh(demo)
    book = [
        json.loads(line)
        for line in (demo.folder / "var" / "simulator" / "book.jsonl").read_text().splitlines()
    ]
    over = [order for order in orders if order["state"] in ("settled", "cancelled")]
    assert {int(entry["order_id"]) for entry in book} == {int(order["id"]) for order in over}
    assert energy_mwh == sum(entry["end_meter_mwh"] - entry["start_meter_mwh"] for entry in book)
    paid_in_fen = sum(each["amount_fen"] for each in movements if each["cause"] == "top_up")
    assert sum(each["amount_fen"] for each in movements) == paid_in_fen - amount_fen
    assert sum(wallet["balance_fen"] for wallet in customers) == paid_in_fen - amount_fen
    assert sum(wallet["held_fen"] for wallet in customers) == 0
    assert (statistics["orders"], statistics["energy_mwh"]) == (len(settled), energy_mwh)
    assert statistics["amount_fen"] == amount_fen
    assert main(["ledger", "verify", "--config", str(demo.config)]) == 0
