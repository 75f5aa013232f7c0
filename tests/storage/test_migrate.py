"""Migrations bring a database to what the code expects, and no further."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import pending, upgrade
from chargecloud.storage.migrations import versions
from chargecloud.storage.schema import metadata
from tests.harness import database_in, schema_differences


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
