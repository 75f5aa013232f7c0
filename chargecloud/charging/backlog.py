"""Records that were acknowledged and wait on the disk for the database."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import islice

from attrs import define, field
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.spooled import Spooled
from chargecloud.storage.spool import Spool, SpoolFull, frame_of

#: of one charger: its ring has 200.  Beyond it they stay there: firmware that tells a new story
#: each time is not to fill the disk
MOST_OF_A_CHARGER = 256


@define(eq=False)
class Backlog:
    """
    The chargers that have records here are contained in it.

    @ivar calendar: dates what is set aside.
    @ivar wake: called when there is a record more.
    @ivar applied: how many are in the database by now, since the start.
    @ivar damaged_bytes: that were found at the start, and are no record any more.
    @ivar refused: how many were set aside, as they could not be applied.
    """

    spool: Spool
    calendar: Calendar
    wake: Callable[[], None] = lambda: None
    applied: int = field(default=0, init=False)
    damaged_bytes: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    _records: deque[Spooled] = field(factory=deque, init=False)
    _of_charger: Counter[int] = field(factory=Counter, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def open(self) -> None:
        """Find what was there when the service stopped."""
        suffix = self._suffix()
        found = await self.spool.runner.run(lambda: self.spool.open(suffix))
        self.damaged_bytes = len(found.damaged)
        if found.damaged:
            self._log.critical(
                "the spool was damaged: {size} bytes are set aside in {path}.damaged-{suffix}",
                size=len(found.damaged),
                path=self.spool.path,
                suffix=suffix,
            )
        for record in found.records:
            try:
                spooled = Spooled.of_bytes(record)
            except ValueError:
                self._log.failure("a record of the spool is set aside")
                await self._set_aside(record)
                continue
            self._records.append(spooled)
            self._of_charger[spooled.charger_id] += 1

    def __contains__(self, charger_id: object) -> bool:
        """Whether a charger has records here."""
        return charger_id in self._of_charger

    def __len__(self) -> int:
        """How many records wait."""
        return len(self._records)

    async def put(self, spooled: Spooled) -> bool:
        """Keep a record on the disk; whether that has been done.  From the call on, its charger
        has a record here."""
        charger_id = spooled.charger_id
        if self._of_charger[charger_id] >= MOST_OF_A_CHARGER:
            self._log.error("charger {charger_id} has too many records", charger_id=charger_id)
            return False
        self._of_charger[charger_id] += 1
        try:
            await self.spool.append(spooled.to_bytes())
        except (SpoolFull, OSError) as error:
            self._log.error("a record is left with its charger: {why}", why=error)
            self._forget(charger_id)
            return False
        self._records.append(spooled)
        self.wake()
        return True

    def oldest(self, most: int) -> Sequence[Spooled]:
        """Up to so many of the oldest, each of another charger: none of them is behind another."""
        found: dict[int, Spooled] = {}
        for each in islice(self._records, most):
            if each.charger_id in found:
                break
            found[each.charger_id] = each
        return tuple(found.values())

    async def is_applied(self, spooled: Spooled) -> None:
        """It is in the database."""
        self.applied += 1
        await self._drop(spooled)

    async def set_aside(self, spooled: Spooled) -> bool:
        """It cannot be applied: it is kept for a person, and the others go on.  Whether the disk
        has taken it."""
        try:
            await self._set_aside(spooled.to_bytes())
        except OSError:
            self._log.failure("a record that cannot be applied cannot be set aside either")
            return False
        await self._drop(spooled)
        return True

    async def _set_aside(self, record: bytes) -> None:
        # in a frame, so that such a file can take the spool's place
        await self.spool.set_aside(f"refused-{self._suffix()}", frame_of(record))
        self.refused += 1

    async def _drop(self, spooled: Spooled) -> None:
        self._records.remove(spooled)
        self._forget(spooled.charger_id)
        if self._of_charger:
            return
        # a restart before this applies all of them once more, which changes nothing
        try:
            await self.spool.clear()
        except OSError:
            self._log.failure("the spool was not emptied; it is when it has had more")

    def _forget(self, charger_id: int) -> None:
        self._of_charger[charger_id] -= 1
        if not self._of_charger[charger_id]:
            del self._of_charger[charger_id]

    def _suffix(self) -> str:
        return self.calendar.now().strftime("%Y%m%dT%H%M%SZ")
