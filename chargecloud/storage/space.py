"""Room on the disk: kept free, so that what has begun can be written down to its end."""

import shutil
from pathlib import Path

from attrs import frozen

_MEGABYTE = 1_000_000


@frozen
class Reserve:
    """
    @ivar folder: on the disk that the database is on.
    @ivar least_mb: what is to be free on it.
    """

    folder: Path
    least_mb: int

    def lacking(self) -> str | None:
        """What is lacking, in words; C{None} if there is room enough."""
        free_mb = shutil.disk_usage(self.folder).free // _MEGABYTE
        if free_mb >= self.least_mb:
            return None
        return (
            f"the disk has {free_mb} MB left, and {self.least_mb} MB are kept for running charges"
        )
