"""Payments in a real process: the sandbox's notices come over HTTP to the platform's own port."""

from pathlib import Path

import pytest

from tests.live import Live, wait_until

CONFIG = """
[node]
data_dir = "var"

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"

[payments]
public_url = "http://127.0.0.1:8080"

[sandbox]
payments = true
"""


@pytest.mark.slow
def test_somebody_pays_and_gets_it_back(tmp_path: Path) -> None:
    """From the code to the wallet, and back; the restart in between changes nothing."""
    live = Live(tmp_path, CONFIG).start()
    try:
        rider = live.ask("POST", "/customers", {"name": "Li"})["id"]
        body = {"channel": "sandbox", "amount_fen": 700, "customer_id": rider}
        payment = live.ask("POST", "/payments", body)
        live.ask("POST", f"/sandbox/payments/{payment['id']}/pay")
        path = f"/payments/{payment['id']}"

        def is_paid() -> bool:
            return bool(live.ask("GET", path)["state"] == "paid")

        # the first question is asked after 15 s: it is the notice that has told
        wait_until(is_paid, 10, "paid")
        assert live.ask("GET", f"/wallets/{rider}")["balance_fen"] == 700
        refund = live.ask("POST", f"{path}/refunds", {"reason": "changed my mind"})
        assert refund["state"] == "done"
        assert live.ask("GET", path)["state"] == "refunded"
    finally:
        live.stop()
