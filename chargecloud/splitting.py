"""The rooms of revenue split and settlement, joined."""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from chargecloud.calendar import Calendar
from chargecloud.charging.rounds import Rounds
from chargecloud.domain.alarm import Alarm
from chargecloud.money.channels import Channels
from chargecloud.money.settings import SettlementSettings
from chargecloud.money.settlement.channel_asking import Asking
from chargecloud.money.settlement.channel_splits import ChannelSplits
from chargecloud.money.settlement.meters import Meters
from chargecloud.money.settlement.parties import Parties
from chargecloud.money.settlement.recurring import Recurring
from chargecloud.money.settlement.rules import SplitRules
from chargecloud.money.settlement.settlements import Settlements
from chargecloud.money.settlement.statements import Statements
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Route
from chargecloud.storage.store import Store
from chargecloud.web.resources import meter_readings, settlements, split_rules

#: what somebody asked for by hand begins soon; without anything to do it is a look into two indices
EVERY_S = 5.0


@frozen
class Splitting:
    """
    @ivar shared_rounds: what one node does for all, by name.
    """

    shared_rounds: Mapping[str, Rounds]
    _store: Store
    _calendar: Calendar
    _settlements: Settlements
    _splits: ChannelSplits

    @classmethod
    def join(
        cls,
        store: Store,
        calendar: Calendar,
        channels: Channels,
        settings: SettlementSettings,
        tell: Callable[[Alarm], None],
    ) -> "Splitting":
        """
        Join them.

        @param tell: takes alarms to people.
        """
        clock = channels.clock
        seconds: Callable[[], float] = clock.seconds
        made = Settlements(store, calendar, seconds, tell)
        recurring = Recurring(made, calendar, settings)
        splits = ChannelSplits(Asking(store, calendar, seconds, channels, tell))
        settling = Rounds(clock, recurring.round, EVERY_S)
        recurring.goes_on = lambda: bool(settling.running)
        shared = {
            "settle": settling,
            "split at channels": Rounds(clock, splits.round, EVERY_S),
        }
        return cls(shared, store, calendar, made, splits)

    def routes(self, tenants: Tenants) -> Sequence[Route]:
        """Theirs of the HTTP API."""
        parties = Parties(self._store, self._calendar)
        rules = SplitRules(self._store, self._calendar, parties)
        return [
            *split_rules.routes(parties, rules, tenants),
            *settlements.routes(
                self._settlements,
                self._splits,
                Statements(self._store),
                tenants,
            ),
            *meter_readings.routes(Meters(self._store, self._calendar)),
        ]
