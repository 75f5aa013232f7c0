"""A tariff whose calls are timed: it may be a plugin's, and is called inline."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from attrs import frozen
from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.errors import Refusal
from chargecloud.domain.tariff import BillLine, Remark, Usage
from chargecloud.interfaces import IRemarks, ITariff

T = TypeVar("T")


@implementer(ITariff, IRemarks)
@frozen
class TimedTariff:
    """
    @ivar took: is told the kind of the tariff, and how many seconds a call took.
    @ivar failed: is told the kind of one that raised what it must not.
    """

    within: ITariff
    seconds: Callable[[], float]
    took: Callable[[str, float], None]
    failed: Callable[[str], None]

    @property
    def kind(self) -> str:
        """Its name."""
        return self.within.kind

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        return self._timed(lambda: self.within.check(terms))

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}."""
        return self._timed(lambda: self.within.boundaries(terms, zone, after, until))

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}."""
        return self._timed(lambda: self.within.prices(terms, zone, after, until))

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """See L{ITariff.lines}."""
        return self._timed(lambda: self.within.lines(terms, usage))

    def remarks(self, terms: Mapping[str, Any]) -> Sequence[Remark]:
        """See L{IRemarks.remarks}; none of a kind that has none."""
        if not IRemarks.providedBy(self.within):
            return ()
        speaking: IRemarks = self.within
        return self._timed(lambda: speaking.remarks(terms))

    def _timed(self, call: Callable[[], T]) -> T:
        began_s = self.seconds()
        try:
            return call()
        except Refusal:
            raise
        except Exception:
            self.failed(self.kind)
            raise
        finally:
            self.took(self.kind, self.seconds() - began_s)
