"""A server that hangs closes no connection: it is noticed all the same."""

from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from chargecloud.storage import engine as engines
from chargecloud.storage.engine import open_engine
from chargecloud.storage.silence import Attentive, however_long
from chargecloud.storage.transactions import is_lost
from tests.databases import current

pytestmark = pytest.mark.servers


def test_a_server_that_is_stopped_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is lost after a while, and it serves on another one when it goes on."""
    monkeypatch.setattr(Attentive, "silence_s", 1)
    monkeypatch.setattr(engines, "SILENCE_S", 1)
    served = current()
    assert served is not None
    engine = open_engine(served.empty(tmp_path))
    with engine.connect() as connection:
        connection.execute(select(text("1")))
        served.server.hang()
        try:
            with pytest.raises(OperationalError) as lost:
                connection.execute(select(text("1")))
        finally:
            served.server.go_on()
    assert is_lost(lost.value)
    with engine.connect() as connection:
        assert connection.execute(select(text("1"))).scalar() == 1
    engine.dispose()


def test_an_upgrade_takes_as_long_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its statements are waited for, and others again are not."""
    monkeypatch.setattr(Attentive, "silence_s", 1)
    monkeypatch.setattr(engines, "SILENCE_S", 1)
    served = current()
    assert served is not None
    engine = open_engine(served.empty(tmp_path))
    sleep = "SELECT pg_sleep(1.5)" if engine.dialect.name == "postgresql" else "SELECT SLEEP(1.5)"
    with engine.connect() as connection, however_long(connection):
        connection.execute(text(sleep))
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text(sleep.replace("1.5", "30")))
    engine.dispose()
