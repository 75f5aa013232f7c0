"""Copies of an SQLite database, and putting one back."""

import argparse
from pathlib import Path

from sqlalchemy.engine import make_url

from chargecloud.cli.parsing import Parsers, command
from chargecloud.config import Config, read_config
from chargecloud.domain.errors import Conflict
from chargecloud.storage.backup import back_up, restore
from chargecloud.storage.folder import FolderInUse, lock_folder

#: what copies the databases of servers
_TOOLS = {
    "postgresql": "pg_dump",
    "mariadb": "mariadb-dump --single-transaction",
    "mysql": "mysqldump --single-transaction",
}


def _database(config: Config) -> Path:
    url = make_url(config.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        tool = _TOOLS.get(url.get_backend_name(), "its own tool")
        raise Conflict(f"only an SQLite database is copied here: this one is by {tool}")
    return Path(url.database)


def db_backup(arguments: argparse.Namespace) -> int:
    """Copy the database into a new file, while the service goes on.  The copy is whole, and is
    checked.  It needs the master key of the data_dir to be of use, which belongs elsewhere."""
    config = read_config(Path(arguments.config)).config
    back_up(_database(config), Path(arguments.file))
    print(f"{arguments.file}: {Path(arguments.file).stat().st_size} bytes")
    return 0


def db_restore(arguments: argparse.Namespace) -> int:
    """Put a copy in the database's place, while the service is stopped.  What was there is set
    aside.  Chargers that have changed their key since the copy was made need one by hand."""
    config = read_config(Path(arguments.config)).config
    config.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        lock = lock_folder(config.data_dir)
    except FolderInUse as error:
        raise Conflict(f"{error}: stop the service first") from error
    with lock:
        before = restore(Path(arguments.file), _database(config))
    print("restored" if before is None else f"restored; what was there is {before}")
    return 0


def backup_commands(database: Parsers) -> None:
    """Declare them."""
    made = command(database, "backup", db_backup, example="chargecloud db backup /backup/today.db")
    made.add_argument("file", metavar="FILE", help="the copy; it must not be there")
    made = command(
        database, "restore", db_restore, example="chargecloud db restore /backup/today.db"
    )
    made.add_argument("file", metavar="FILE", help="the copy")
