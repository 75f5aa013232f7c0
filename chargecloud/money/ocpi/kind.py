"""Tariffs of OCPI 2.2.1 as a kind of ours; the terms are the Tariff object itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import BillLine, Remark, Usage
from chargecloud.interfaces import IRemarks, ITariff
from chargecloud.money.intervals import KEPT_EVERY, every
from chargecloud.money.kept import kept
from chargecloud.money.ocpi.cutting import clock_changes
from chargecloud.money.ocpi.model import Dimension, OcpiTariff
from chargecloud.money.ocpi.pricing import lines_of
from chargecloud.money.ocpi.terms import check
from chargecloud.money.remarks import NO_CURRENT, NOT_PARKED, NOT_RESERVED, other_currency

#: what wallets are in
OURS = "CNY"

_tariff = kept(OcpiTariff.of)


@implementer(ITariff, IRemarks)
class Ocpi:
    """The tariff of kind C{ocpi}."""

    kind = "ocpi"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        return check(terms)

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}."""
        tariff = _tariff(terms)
        found = set(clock_changes(tariff, zone, after, until))
        if tariff.follows_draw or tariff.follows_use:
            found.update(every(KEPT_EVERY, after, until))
        return sorted(found)

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}: energy is never all that may cost something."""
        return None

    def remarks(self, terms: Mapping[str, Any]) -> Sequence[Remark]:
        """See L{IRemarks.remarks}."""
        tariff, found = _tariff(terms), []
        if tariff.currency != OURS:
            found.append(other_currency(tariff.currency))
        if any(each.restrictions.current.bounded for each in tariff.elements):
            found.append(NO_CURRENT)
        if any(each.component(Dimension.PARKING_TIME) for each in tariff.elements):
            found.append(NOT_PARKED)
        if any(each.restrictions.reservation for each in tariff.elements):
            found.append(NOT_RESERVED)
        return found

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """See L{chargecloud.money.ocpi.pricing}."""
        return lines_of(_tariff(terms), usage)
