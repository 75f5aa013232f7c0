"""The node's folder: one process has it at a time."""

import fcntl
import socket
from hashlib import sha256
from pathlib import Path
from typing import TextIO


class FolderInUse(Exception):
    """Another process works in the folder; two would write over each other's log."""


def lock_folder(folder: Path) -> TextIO:
    """
    Take the folder, until the file that is returned is closed or the process ends, however
    it ends.

    @raise FolderInUse: if another process has it.
    """
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise FolderInUse(f"another process uses the folder {folder}") from error
    return file


def installation(folder: Path) -> str:
    """A name that no other folder has, on this machine or on another."""
    told = f"{socket.gethostname()} {folder.resolve()} {(folder / 'lock').stat().st_ino}"
    return sha256(told.encode()).hexdigest()[:32]
