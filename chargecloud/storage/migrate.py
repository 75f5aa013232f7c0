"""Migrations: Alembic, with a lineage for the core and one for each feature.

Each lineage has a version table of its own, so that a feature which is blocked or no longer
installed leaves its tables as they are and hinders nobody.

An upgrade may come twice, from two nodes at once, and while others serve.  Where the database
can, each lineage is one transaction; where it cannot, what was cut off is gone through again
(L{chargecloud.storage.migrations.resuming}).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, literal_column, select

from chargecloud.storage.engine import exact_collation, for_writing
from chargecloud.storage.migrations import resuming
from chargecloud.storage.silence import however_long
from chargecloud.storage.transactions import retried

_HERE = Path(__file__).parent / "migrations"
#: revisions of the core
CORE = {"core": _HERE / "versions"}

#: how long one node waits for another that upgrades the same database
TURN_S = 600


class NewerDatabase(Exception):
    """A later version of ours has changed the database, and this one cannot use it."""


class TurnNotCome(Exception):
    """Another node upgrades the same database, and does not come to an end."""


def version_table(lineage: str) -> str:
    """Where Alembic keeps how far a lineage has come."""
    return f"revisions_{lineage}"


def upgrade(engine: Engine, features: Mapping[str, Path]) -> None:
    """
    Bring the database up to date; harmless if it is already.

    @param features: folders with the revisions of the features that are installed, by name.
    @raise NewerDatabase: if it is ahead of us.
    """
    with _in_turn(engine):
        _keep_text_exact(engine)
        for lineage, config in _configs(features):
            # it does not wait long for a table that is in use, as all others would wait behind it
            retried(partial(_upgrade, engine, lineage, config))


def _upgrade(engine: Engine, lineage: str, config: Config) -> None:
    with for_writing(engine).begin() as connection:
        wanted, current = _heads(connection, lineage, config)
        if current == wanted:
            return
        config.attributes["connection"] = connection
        config.attributes["version_table"] = version_table(lineage)
        with however_long(connection):
            command.upgrade(config, "head")


@contextmanager
def _in_turn(engine: Engine) -> Iterator[None]:
    """One node upgrades at a time: the lock is the connection's, so that it ends with the
    process, however that ends.  On SQLite whoever begins to write has the database."""
    take = _TURNS.get(engine.dialect.name)
    if take is None:
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # the pool does not get it back
        connection.detach()
        with however_long(connection):
            take(connection)
        yield


def _take_named(connection: Connection) -> None:
    name = func.concat("chargecloud ", func.md5(func.database()))
    if connection.execute(select(func.get_lock(name, TURN_S))).scalar() != 1:
        raise TurnNotCome(f"another node has upgraded the database for {TURN_S} s")


def _take_numbered(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET lock_timeout = '{TURN_S}s'")
    connection.execute(select(func.pg_advisory_lock(_TURN_NUMBER)))


#: PostgreSQL's locks have numbers: this one is ours
_TURN_NUMBER = 0x6368_6172_6765

_TURNS = {"postgresql": _take_numbered, "mysql": _take_named, "mariadb": _take_named}


def _keep_text_exact(engine: Engine) -> None:
    """The tables to come compare text as the other databases do."""
    if engine.dialect.name not in resuming.DIALECTS:
        return
    with engine.begin() as connection:
        found = select(literal_column("@@collation_database"), func.version())
        collation, version = connection.execute(found).one()
        if collation != exact_collation(version):
            connection.exec_driver_sql(f"ALTER DATABASE COLLATE {exact_collation(version)}")


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
