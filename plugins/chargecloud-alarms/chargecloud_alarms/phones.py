"""Telephones: a text or a call to each number, for the levels that are worth it.

Who carries it is an L{ITelephone}, and there may be others than Alibaba Cloud: L{PROVIDERS} in
C{feature.py} has a row for each.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from zope.interface import Interface, implementer

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.recipients import Recipients
from chargecloud_alarms.wording import Fact, said, shortened

if TYPE_CHECKING:
    from collections.abc import Awaitable

#: characters of a template's variable; a longer one is refused
LONGEST = 35


class ITelephone(Interface):
    """One way of one provider to a telephone, with its account and its template."""

    def tell(number: str, values: Mapping[str, str]) -> "Awaitable[None]":  # noqa: N805
        """
        Send a text, or call.

        @param number: as it was configured.
        @param values: of the template's variables, 1 to L{LONGEST} characters each.
        @raise NotTaken: if the provider does not take it; it must not show the number.
        """


@implementer(IAlarmSink)
@frozen
class Phones:
    """
    Numbers that are told by a request each; a delivery that fails for one is tried again for
    those who were not told yet (L{Recipients}), and after a restart for all.

    @ivar variables: what each variable of the template says.
    @ivar levels: alarms of any other level are none of their business, and count as delivered.
    """

    name: str
    telephone: ITelephone
    numbers: Recipients
    variables: Mapping[str, Fact]
    levels: frozenset[Level]
    zone: ZoneInfo

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Tell everybody."""
        if alarm.level not in self.levels:
            return succeed(None)
        values = {
            name: shortened(said(fact, alarm, self.zone), LONGEST)
            for name, fact in self.variables.items()
        }
        return self.numbers.reach(alarm, lambda number: self.telephone.tell(number, values))
