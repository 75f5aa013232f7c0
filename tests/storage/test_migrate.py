"""Migrations bring a database to what the code expects, and no further."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, event, insert, inspect, select

from chargecloud.domain.decision import Decision, Insert
from chargecloud.features.statistics.feature import StatisticsFeature
from chargecloud.features.statistics.tables import metadata as statistics
from chargecloud.storage.audit.balances import balance_faults
from chargecloud.storage.audit.chains import chain_faults, read_heads
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import _configs, pending, upgrade, version_table
from chargecloud.storage.migrations import versions
from chargecloud.storage.schema import accounts, metadata
from tests.harness import (
    NOW,
    clock_at,
    database_in,
    open_store,
    result_of,
    rows_of,
    schema_differences,
)

pytestmark = pytest.mark.every

LINEAGE = {"statistics": StatisticsFeature().migrations or Path()}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty database."""
    opened = open_engine(database_in(tmp_path / "fresh"))
    yield opened
    opened.dispose()


#: the newest revision of the core
NEWEST = max(path.name[:9] for path in Path(versions.__file__ or "").parent.glob("core_*.py"))


def test_an_empty_database_lacks_all(engine: Engine) -> None:
    """What is pending is told before it is done, and is nothing afterwards."""
    assert pending(engine, {}) == [NEWEST]
    upgrade(engine, {})
    assert pending(engine, {}) == []


def test_upgrading_twice_is_harmless(engine: Engine) -> None:
    """Every start may upgrade; what is there already stays."""
    upgrade(engine, {})
    with engine.begin() as connection:
        connection.execute(metadata.tables["cursors"].insert().values(follower="f", node=1, seq=5))
    upgrade(engine, {})
    with engine.connect() as connection:
        assert connection.execute(metadata.tables["cursors"].select()).one().seq == 5


def test_the_migrated_schema_is_the_codes(engine: Engine) -> None:
    """Tables, columns, types, indexes, unique and primary keys are those of the schema."""
    upgrade(engine, {})
    with engine.connect() as connection:
        assert schema_differences(connection, metadata) == []
        for table in metadata.sorted_tables:
            migrated = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
            assert migrated == [column.name for column in table.primary_key], table.name


def test_tables_can_be_sharded() -> None:
    """No key is made by the database, and no table leans on another."""
    for table in metadata.sorted_tables:
        assert not table.foreign_keys
        assert all(column.autoincrement is not True for column in table.columns)
        integers = [c for c in table.primary_key if c.type.python_type is int]
        assert all(column.autoincrement is False for column in integers), table.name


def test_a_feature_that_is_gone_hinders_nobody(engine: Engine, tmp_path: Path) -> None:
    """Its tables stay, and the next start neither needs its revisions nor trips over them."""
    folder = tmp_path / "bells"
    folder.mkdir()
    (folder / "bells_0001.py").write_text(
        "from alembic import op\n"
        "import sqlalchemy as sa\n"
        "revision, down_revision, branch_labels, depends_on = 'bells_0001', None, None, None\n"
        "def upgrade():\n"
        "    op.create_table('bells', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    upgrade(engine, {"bells": folder})
    upgrade(engine, {})
    assert pending(engine, {}) == []
    assert "bells" in inspect(engine).get_table_names()
    assert pending(engine, {"bells": folder}) == []


# --------------------------------------------------------------- at once, cut off, while serving


def test_two_nodes_upgrade_at_once(engine: Engine, tmp_path: Path) -> None:
    """Nodes that are started together all upgrade: one does, the others find it done."""
    failed: list[BaseException] = []

    def node() -> None:
        own = open_engine(database_in(tmp_path / "fresh"))
        try:
            upgrade(own, LINEAGE)
        except Exception as error:
            failed.append(error)
        finally:
            own.dispose()

    nodes = [threading.Thread(target=node) for _ in range(3)]
    for each in nodes:
        each.start()
    for each in nodes:
        each.join()
    assert failed == []
    assert pending(engine, LINEAGE) == []


class PowerCut(Exception):
    """The process ends here."""


@pytest.mark.slow
def test_an_upgrade_that_was_cut_off_is_gone_through_again(engine: Engine) -> None:
    """After any of its statements: what it had made is found, or was undone, and the tables are
    the same in the end."""
    left = 0

    def execute(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        nonlocal left
        if not statement.lstrip().upper().startswith(("SELECT", "SHOW", "PRAGMA", "BEGIN")):
            left -= 1
            if left == 0:
                raise PowerCut

    event.listen(engine, "after_cursor_execute", execute)
    cuts = 0
    while pending(engine, LINEAGE):
        # what is gone through again begins with statements that find it done
        cuts += 1
        left = cuts * (2 if engine.dialect.name == "mariadb" else 12)
        with suppress(PowerCut):
            upgrade(engine, LINEAGE)
    event.remove(engine, "after_cursor_execute", execute)
    assert cuts > 5
    with engine.connect() as connection:
        differences = schema_differences(connection, [metadata, statistics])
    revisions = version_table("statistics")
    assert [each[1].name for each in differences] == [revisions]


def test_what_was_posted_before_is_chained(engine: Engine, tmp_path: Path) -> None:
    """A ledger that had no chains has them from its first posting on; what was owed is kept, and
    whoever had a wallet has an account for gift money."""
    _to(engine, "core_0010")
    old = metadata.tables["postings"]
    rows = [
        ((1 << 10 | 1) << 12, ("cash", 0), ("wallet", 7), 50, "top_up", 1),
        ((2 << 10 | 2) << 12, ("wallet", 7), ("refunding", 0), 50, "transfer", 2),
        ((3 << 10 | 1) << 12, ("receivable", 7), ("service_fees", 0), 30, "capture", 9),
    ]
    with engine.begin() as connection:
        for posting_id, debit, credit, amount_fen, cause, reference_id in rows:
            row = {"id": posting_id, "tenant_id": 1, "at": NOW, "amount_fen": amount_fen}
            row |= {"debit_kind": debit[0], "debit_owner_id": debit[1]}
            row |= {"credit_kind": credit[0], "credit_owner_id": credit[1]}
            connection.execute(
                insert(old).values(row | {"cause": cause, "reference_id": reference_id})
            )
        person = {"id": 7, "tenant_id": 1, "name": "Li Wei", "created_at": NOW}
        connection.execute(insert(metadata.tables["customers"]).values(person))
        for kind in ("wallet", "held"):
            account = {"tenant_id": 1, "kind": kind, "owner_id": 7, "balance_fen": 0}
            connection.execute(insert(metadata.tables["accounts"]).values(account))
    upgrade(engine, {})
    with engine.connect() as connection:
        assert [*chain_faults(connection, {}), *balance_faults(connection)] == []
        assert {of: head.seq for of, head in read_heads(connection).items()} == {
            (1, 1): 2,
            (1, 2): 1,
        }
        owed = select(accounts.c.balance_fen).where(accounts.c.kind == "receivable")
        assert connection.execute(owed).scalar_one() == 30


def test_accounts_that_parties_had_before_are_theirs(engine: Engine) -> None:
    """One that two had is the first one's."""
    _to(engine, "core_0014")
    about = {"tenant_id": 1, "level": "owner", "name": "", "created_at": NOW}
    with engine.begin() as connection:
        for party_id, account in ((7, "m-1"), (8, "m-1"), (9, "m-2")):
            receivers = {"sandbox": {"kind": "merchant", "account": account, "name": None}}
            row = about | {"id": party_id, "receivers": receivers}
            connection.execute(insert(metadata.tables["parties"]).values(row))
    upgrade(engine, {})
    with engine.connect() as connection:
        found = connection.execute(select(metadata.tables["party_receivers"])).all()
    assert found == [(1, "sandbox", "m-1", 7), (1, "sandbox", "m-2", 9)]


def _to(engine: Engine, revision: str) -> None:
    """Bring an empty database to an earlier revision of the core."""
    (config,) = (config for lineage, config in _configs({}) if lineage == "core")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["version_table"] = version_table("core")
        command.upgrade(config, revision)


GROWING = """
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = 'growing_0001', None, None, None
def upgrade():
    op.create_table('grown', sa.Column('id', sa.BigInteger, primary_key=True, autoincrement=False))
    op.add_column('tenants', sa.Column('grown', sa.String(20)))
    op.create_index('tenants_by_creation', 'tenants', ['created_at', 'id'])
    op.execute("UPDATE tenants SET grown = 'yes'")
"""


def test_it_is_upgraded_while_it_serves(tmp_path: Path) -> None:
    """A node that writes all the time neither fails nor stops for long, while another adds to
    the table that it writes to."""
    (tmp_path / "growing").mkdir()
    (tmp_path / "growing" / "growing_0001.py").write_text(GROWING)
    store = open_store(tmp_path, clock_at())
    upgraded = threading.Event()
    failed: list[BaseException] = []

    def other() -> None:
        own = open_engine(store.engine.url.render_as_string(hide_password=False))
        try:
            upgrade(own, {"growing": tmp_path / "growing"})
        except Exception as error:
            failed.append(error)
        finally:
            own.dispose()
            upgraded.set()

    def write(number: int) -> None:
        row = {"id": number, "name": f"tenant {number}", "created_at": NOW}
        result_of(store.writer.decide(Decision((Insert("tenants", row),))))

    for number in range(50):
        write(number)
    upgrading = threading.Thread(target=other)
    upgrading.start()
    number = 50
    while not upgraded.is_set():
        write(number)
        number += 1
    write(number)
    upgrading.join()
    assert failed == []
    assert len(rows_of(store, metadata.tables["tenants"])) == number + 1
    with store.engine.connect() as connection:
        indexes = {each["name"] for each in inspect(connection).get_indexes("tenants")}
    assert "tenants_by_creation" in indexes
    # it is not as other tests expect it any more
    metadata.tables["cursors"].drop(store.engine)
    store.engine.dispose()
