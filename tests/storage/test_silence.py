"""A server that hangs closes no connection: it is noticed all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from chargecloud.storage import engine as engines
from chargecloud.storage.engine import open_engine
from chargecloud.storage.silence import Attentive, however_long
from chargecloud.storage.transactions import is_lost
from tests.databases import Server, current

pytestmark = pytest.mark.servers


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, Server]]:
    """Connections that give a server up after a second."""
    monkeypatch.setattr(Attentive, "silence_s", 1)
    monkeypatch.setattr(engines, "SILENCE_S", 1)
    served = current()
    assert served is not None
    engine = open_engine(served.empty(tmp_path))
    yield engine, served.server
    engine.dispose()


def test_a_server_that_is_stopped_where_it_is(impatient: tuple[Engine, Server]) -> None:
    """Its connection is lost after a while, and it serves on another one when it goes on."""
    engine, server = impatient
    with engine.connect() as connection:
        connection.execute(select(text("1")))
        server.hang()
        try:
            with pytest.raises(OperationalError) as lost:
                connection.execute(select(text("1")))
        finally:
            server.go_on()
    assert is_lost(lost.value)
    with engine.connect() as connection:
        assert connection.execute(select(text("1"))).scalar() == 1


def test_an_upgrade_takes_as_long_as_it_takes(impatient: tuple[Engine, Server]) -> None:
    """Its statements are waited for, and others again are not."""
    engine, _server = impatient
    sleep = "SELECT pg_sleep(1.5)" if engine.dialect.name == "postgresql" else "SELECT SLEEP(1.5)"
    with engine.connect() as connection, however_long(connection):
        connection.execute(text(sleep))
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text(sleep.replace("1.5", "30")))
