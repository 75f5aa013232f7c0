"""Whatever is sent to the HTTP API: no fault of ours comes back, and nothing undescribed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import BIN, Live, LiveFleet, wait_until

CONFIG = """
[node]
data_dir = "var"

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"
"""
#: what takes the things away that the others are tried on; a stranger's ids try it elsewhere
ENDINGS = ("/api/v1/chargers/{charger_id}/decommission", "/api/v1/chargers/{charger_id}/release")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def _ids(live: Live) -> dict[str, str]:
    """Things that are there, by the names of the paths' variables."""
    (order, *_) = wait_until(lambda: live.all("/orders?state=charging"), 60, "somebody charges")
    card = live.ask("POST", "/cards", {"uid": "04A1B2C3", "status": "active"} | _whose(live))
    return {
        "charger_id": order["charger_id"],
        "order_id": order["id"],
        "customer_id": order["customer_id"],
        "site_id": live.all("/sites")[0]["id"],
        "tariff_id": live.all("/tariffs")[0]["id"],
        "card_id": card["id"],
    }


def _whose(live: Live) -> dict[str, Any]:
    return {"customer_id": live.all("/customers")[0]["id"]}


@pytest.mark.slow(lasts_s=60)
def test_no_request_finds_a_fault(tmp_path: Path) -> None:
    """Requests that are made from our own description, right and wrong ones, to a platform at
    which people charge: each answer is described, and none is our fault."""
    live = Live(tmp_path, CONFIG).start()
    fleet = LiveFleet(live, 2, 4).start("demo")
    try:
        ids = _ids(live)
        settings = tmp_path / "schemathesis.toml"
        parameters = [f'"path.{name}" = "{value}"' for name, value in ids.items()]
        settings.write_text("\n".join(["[parameters]", *parameters]) + "\n")
        left_out = [
            word for path in ("/api/v1/live", *ENDINGS) for word in ("--exclude-path", path)
        ]
        attack = subprocess.run(
            [
                BIN / "schemathesis",
                f"--config-file={settings}",
                "run",
                f"http://127.0.0.1:{live.web}/openapi.json",
                f"--url=http://127.0.0.1:{live.web}",
                f"--header=Authorization: Bearer {live.token}",
                f"--checks={','.join(CHECKS)}",
                "--phases=examples,coverage,fuzzing",
                "--max-examples=5",
                "--seed=1",
                "--continue-on-failure",
                "--no-color",
                *left_out,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        sys.stdout.write(attack.stdout)
        assert attack.returncode == 0, attack.stdout[-6_000:] + attack.stderr[-1_000:]
        assert live.ask("GET", "/readyz", base="")["ready"]
    finally:
        fleet.stop()
        live.stop()
    assert " failed, request " not in live.log.read_text()
