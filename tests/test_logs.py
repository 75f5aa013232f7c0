"""Structured logs."""

import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import Logger

from chargecloud.logs import MASK, MASKED, JsonLines
from tests.live import BIN, free_port, wait_until


@pytest.fixture
def said() -> Any:
    """A logger, and what it has written."""
    file = io.StringIO()
    logger = Logger("chargecloud.somewhere", observer=JsonLines(file))
    return logger, lambda: [json.loads(line) for line in file.getvalue().splitlines()]


def test_what_an_event_is_about_is_in_fields(said: Any) -> None:
    """Beside its message, level and room."""
    logger, lines = said
    logger.warn("charger {charger_id} is hot", charger_id=383, order_id=7, why={"dc": 900})
    (line,) = lines()
    assert line["message"] == "charger 383 is hot"
    assert (line["level"], line["room"]) == ("warn", "chargecloud.somewhere")
    assert (line["charger_id"], line["order_id"], line["why"]) == (383, 7, {"dc": 900})
    assert line["at"].endswith("+00:00")


def test_an_events_own_fields_displace_nothing(said: Any) -> None:
    """Whoever reads the log by its instants must not find an address there."""
    logger, lines = said
    logger.info("listening at {at}", at="127.0.0.1:80", room="low")
    (line,) = lines()
    assert (line["at_"], line["room_"]) == ("127.0.0.1:80", "low")
    assert line["at"].endswith("+00:00")


@pytest.mark.parametrize("name", sorted(MASKED))
def test_secrets_and_what_is_somebodys_own_are_masked(said: Any, name: str) -> None:
    """In the field and in the message."""
    logger, lines = said
    logger.info("here is {" + name + "}", **{name: "04A1B2C3"})
    (line,) = lines()
    assert "04A1B2C3" not in json.dumps(line)
    assert line[name] == MASK


def test_a_failure_has_its_traceback(said: Any) -> None:
    """On the same line."""
    logger, lines = said
    try:
        raise LookupError("nothing here")
    except LookupError:
        logger.failure("request {request_id} failed", request_id="r1")
    (line,) = lines()
    assert (line["request_id"], line["level"]) == ("r1", "critical")
    assert "LookupError: nothing here" in line["failure"]


def test_what_cannot_be_told_keeps_nobody_from_the_rest(said: Any) -> None:
    """It is told that there was something."""

    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    logger, lines = said
    logger.info("{what}", what=Silent())
    logger.info("next")
    assert [line["message"] for line in lines()][-1] == "next"
    assert len(lines()) == 2


def test_twistd_writes_them(tmp_path: Path) -> None:
    """As the operations guide says."""
    config = tmp_path / "node.toml"
    config.write_text(
        f'[node]\ndata_dir = "{tmp_path}/var"\n'
        f'[listen.web]\nendpoint = "tcp:{free_port()}:interface=127.0.0.1"\n'
    )
    log = tmp_path / "log"
    words = ["--nodaemon", f"--pidfile={tmp_path}/pid", "--logger=chargecloud.logs.json_lines"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [BIN / "twistd", *words, "chargecloud", f"--config={config}"],
            stdout=out,
            cwd=tmp_path,
            env=dict(os.environ),
        )
    try:
        wait_until(lambda: "ChargeCloud is ready" in log.read_text(), 30, "ready")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"at", "level", "room", "message"} <= lines[0].keys()
