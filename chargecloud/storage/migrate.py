"""Migrations: Alembic, with a lineage for the core and one for each feature.

Each lineage has a version table of its own, so that a feature which is blocked or no longer
installed leaves its tables as they are and hinders nobody.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from chargecloud.storage.engine import for_writing

_HERE = Path(__file__).parent / "migrations"
#: revisions of the core
CORE = {"core": _HERE / "versions"}


class NewerDatabase(Exception):
    """A later version of ours has changed the database, and this one cannot use it."""


def version_table(lineage: str) -> str:
    """Where Alembic keeps how far a lineage has come."""
    return f"revisions_{lineage}"


def upgrade(engine: Engine, features: Mapping[str, Path]) -> None:
    """
    Bring the database up to date; harmless if it is already.

    @param features: folders with the revisions of the features that are installed, by name.
    @raise NewerDatabase: if it is ahead of us.
    """
    for lineage, config in _configs(features):
        with for_writing(engine).begin() as connection:
            wanted, current = _heads(connection, lineage, config)
            if current == wanted:
                continue
            config.attributes["connection"] = connection
            config.attributes["version_table"] = version_table(lineage)
            command.upgrade(config, "head")


def pending(engine: Engine, features: Mapping[str, Path]) -> list[str]:
    """
    The newest revisions that the database still lacks.

    @raise NewerDatabase: if it is ahead of us.
    """
    lacking = []
    with engine.connect() as connection:
        for lineage, config in _configs(features):
            wanted, current = _heads(connection, lineage, config)
            lacking += sorted(wanted - current)
    return lacking


def _heads(connection: Connection, lineage: str, config: Config) -> tuple[set[str], set[str]]:
    """A lineage's newest revisions, and those that the database has come to."""
    options = {"version_table": version_table(lineage)}
    current = set(MigrationContext.configure(connection, opts=options).get_current_heads())
    script = ScriptDirectory.from_config(config)
    known = {each.revision for each in script.walk_revisions()}
    if foreign := current - known:
        raise NewerDatabase(
            f"the database is of a newer version ({', '.join(sorted(foreign))}): use that one, or "
            "restore the copy that was made before it was upgraded"
        )
    return set(script.get_heads()), current


def _configs(features: Mapping[str, Path]) -> Iterator[tuple[str, Config]]:
    for lineage, folder in {**CORE, **features}.items():
        config = Config()
        config.set_main_option("script_location", str(_HERE))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(folder))
        yield lineage, config
