"""The statistics' branch of migrations makes the tables that the code expects."""

from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from chargecloud.features.statistics.feature import StatisticsFeature
from chargecloud.features.statistics.tables import metadata
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import pending, upgrade, version_table
from chargecloud.storage.schema import metadata as core
from tests.harness import database_in, schema_differences

LINEAGE = {"statistics": StatisticsFeature().migrations or Path()}


def test_the_migrated_schema_is_the_codes(tmp_path: Path) -> None:
    """Core and feature together, and nothing besides."""
    engine = open_engine(database_in(tmp_path))
    upgrade(engine, LINEAGE)
    with engine.connect() as connection:
        expected: Any = [core, metadata]
        differences = schema_differences(connection, expected)
        # the one table that is neither's: where the feature's revisions are kept
        assert [(kind, table.name) for kind, table in differences] == [
            ("remove_table", version_table("statistics"))
        ]
        for table in metadata.sorted_tables:
            migrated = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
            assert migrated == [column.name for column in table.primary_key]
    engine.dispose()


def test_the_feature_can_be_installed_later(tmp_path: Path) -> None:
    """Its branch is one of its own: it is pending until it is upgraded, whatever the core is."""
    engine = open_engine(database_in(tmp_path))
    upgrade(engine, {})
    assert pending(engine, LINEAGE) == ["statistics_0002"]
    upgrade(engine, LINEAGE)
    upgrade(engine, LINEAGE)
    assert pending(engine, LINEAGE) == []
    engine.dispose()
