"""Migrations: Alembic, with a branch for the core and one for each feature."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

_HERE = Path(__file__).parent / "migrations"


def _config(features: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "newline")
    folders = [_HERE / "versions", *features]
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in folders))
    return config


def upgrade(engine: Engine, features: Sequence[Path]) -> None:
    """
    Bring the database up to date; harmless if it is already.

    @param features: folders with the revisions of the features that are installed.
    """
    config = _config(features)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


def pending(engine: Engine, features: Sequence[Path]) -> Sequence[str]:
    """The revisions that the database still lacks, newest heads only."""
    heads = set(ScriptDirectory.from_config(_config(features)).get_heads())
    with engine.connect() as connection:
        return sorted(heads - set(MigrationContext.configure(connection).get_current_heads()))
