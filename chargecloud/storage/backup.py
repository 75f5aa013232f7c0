"""A copy of an SQLite database that is whole, while the service goes on writing to it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from chargecloud.domain.errors import Conflict, Invalid
from chargecloud.storage.migrate import version_table

#: pages that are copied before whoever writes has a turn
PAGES_A_STEP = 1_000


def back_up(database: Path, copy: Path) -> None:
    """
    Copy a database, as it is at one moment, into a new file that only its owner can read.

    @raise Invalid: if there is no database.
    @raise Conflict: if the copy is there already.
    @raise OSError: if there is no room for it.
    """
    if not database.exists():
        raise Invalid(f"there is no database {database}")
    unfinished = copy.with_name(f"{copy.name}.part")
    if copy.exists():
        raise Conflict(f"{copy} is there already")
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(_open(database)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target, pages=PAGES_A_STEP)
            # one file, with nothing beside it that could be left behind
            target.execute("PRAGMA journal_mode = DELETE")
        check(unfinished)
        _flush(unfinished)
        # a file that is named like a copy is a whole one
        unfinished.rename(copy)
        _flush(copy.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(copy: Path, database: Path) -> Path | None:
    """
    Put a copy in the place of a database that nobody uses.

    It belongs to whom the other one belonged, or the folder: who restores is not who runs the
    service.

    @return: where the database is now that was there, if there was one.
    @raise Invalid: if the copy is none, or is damaged; nothing is changed then.
    """
    check(copy)
    database.parent.mkdir(parents=True, exist_ok=True)
    new = database.with_name(f"{database.name}.new")
    new.unlink(missing_ok=True)
    is_new = not database.exists()
    like = (database.parent if is_new else database).stat()
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(_open_copy(copy)) as source, closing(sqlite3.connect(new)) as target:
            source.backup(target)
        if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(new, like.st_uid, like.st_gid)
        if not is_new:
            new.chmod(like.st_mode & 0o777)
        _flush(new)
        before = _set_aside(database)
        new.rename(database)
        _flush(database.parent)
    finally:
        new.unlink(missing_ok=True)
    return before


def _set_aside(database: Path) -> Path | None:
    if not database.exists():
        return None
    # what is in its log of writes belongs to it, and to no other
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    number = 1
    while (aside := database.with_name(f"{database.name}.before-{number}")).exists():
        number += 1
    database.rename(aside)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return aside


def check(copy: Path) -> None:
    """
    @raise Invalid: if a file is no database of ours, or is damaged.
    """
    try:
        with closing(_open_copy(copy)) as connection:
            ((found,),) = connection.execute("PRAGMA integrity_check(1)")
            ours = "SELECT count(*) FROM sqlite_schema WHERE name = ?"
            ((is_ours,),) = connection.execute(ours, (version_table("core"),))
    except sqlite3.Error as error:
        raise Invalid(f"{copy} is no database of ChargeCloud: {error}") from error
    if not is_ours:
        raise Invalid(f"{copy} is no database of ChargeCloud")
    if found != "ok":
        raise Invalid(f"{copy} is damaged: {found}")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _open_copy(path: Path) -> sqlite3.Connection:
    """A copy, which nobody writes: SQLite makes no files beside it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
