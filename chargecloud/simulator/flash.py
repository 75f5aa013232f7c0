"""The flash memory of a fleet: one JSON file, so that a second run goes on where the first
one stopped."""

import os
from pathlib import Path

from attrs import define, field, frozen
from cattrs.preconf.json import make_converter

from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.memory import Memory


@define
class FleetCharger:
    """
    A charger that is registered on the platform.

    @ivar keys: what it proves itself with; C{None} where its dialect has no keys.
    """

    identity: str
    charger_id: str
    keys: Keyring | None
    memory: Memory


@define
class FleetMemory:
    """
    All that a fleet knows.

    @ivar sites: ids of sites by their names; C{tariffs} the same.
    @ivar last_number: of the newest charger's identity.
    @ivar customers: ids.
    @ivar cards: uids of customers' cards, by their ids.
    @ivar dialect: that its chargers speak.
    """

    sites: dict[str, str] = field(factory=dict)
    tariffs: dict[str, str] = field(factory=dict)
    last_number: int = 0
    chargers: list[FleetCharger] = field(factory=list)
    customers: list[str] = field(factory=list)
    cards: dict[str, str] = field(factory=dict)
    dialect: str = "native"


class FlashError(Exception):
    """The file is there and is no fleet's memory."""


_converter = make_converter(forbid_extra_keys=True)


def text_of(memory: FleetMemory) -> str:
    """The text of the file."""
    return str(_converter.dumps(memory))


@frozen
class Flash:
    """
    @ivar path: where the file is; its folder is made when it is first written.
    """

    path: Path

    def read(self) -> FleetMemory:
        """
        What was kept; an empty memory if there is no file.

        @raise FlashError: if the file cannot be understood.
        """
        if not self.path.exists():
            return FleetMemory()
        try:
            return _converter.loads(self.path.read_text(), FleetMemory)
        except Exception as error:
            # the converter raises whatever it stumbles over
            raise FlashError(f"{self.path} is no fleet's memory: {error}") from error

    def write(self, text: str) -> None:
        """Replace the file, so that after a cut of power it is either the old one or the
        new one."""
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        new_path = self.path.with_suffix(".new")
        with new_path.open("w") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        new_path.replace(self.path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
