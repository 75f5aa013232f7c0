"""A settlement as a value."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen

from chargecloud.money.settlement.rules import Every


class SettlementState(Enum):
    """Where a settlement is in its life."""

    #: it goes through the orders, from its place on
    RUNNING = "running"
    #: all that were due are split
    DONE = "done"


@frozen(kw_only=True)
class Settlement:
    """
    The orders of a tenant that were due at some time, split.

    @ivar every: which rules' orders: C{HAND} takes those of all rules.
    @ivar until_at: orders that ended before.
    @ivar name: what it is one of; each name is there once.
    @ivar place: the last order that was looked at.
    @ivar expected: how many orders waited as it began, C{seen} how many were looked at, C{orders}
        how many were split, C{held} how many could not be.
    @ivar totals: for each party's id six sums of fen: what they gained of electricity, service
        and occupancy, and what was called back of each.
    """

    id: int
    tenant_id: int
    every: Every
    until_at: datetime
    name: str
    created_at: datetime
    by: int | None = None
    state: SettlementState = SettlementState.RUNNING
    version: int = 1
    place: int = 0
    expected: int = 0
    seen: int = 0
    orders: int = 0
    held: int = 0
    totals: Mapping[str, Sequence[int]]
    finished_at: datetime | None = None


def settlement_of(row: Any) -> Settlement:
    """The settlement of a row."""
    values = dict(row._mapping)
    values["every"] = Every(values["every"])
    values["state"] = SettlementState(values["state"])
    return Settlement(**values)
