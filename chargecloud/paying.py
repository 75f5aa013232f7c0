"""The rooms of payments, joined."""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from chargecloud.calendar import Calendar
from chargecloud.charging.placing import Placing
from chargecloud.charging.prepaid import Prepaid
from chargecloud.charging.rounds import Rounds
from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IPaymentChannel
from chargecloud.money.channels import Channels
from chargecloud.money.chasing import Chasing
from chargecloud.money.payments import Payments
from chargecloud.money.reconciling import Reconciling
from chargecloud.money.refunds import Refunds
from chargecloud.money.settings import PaymentSettings
from chargecloud.money.taking import Taking
from chargecloud.money.withdrawals import Withdrawals
from chargecloud.nodes.elsewhere import Elsewhere
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Route
from chargecloud.storage.store import Store
from chargecloud.web.resources import payment_books, payments

#: what is due for payments is looked for; without any it is a look into an empty index
EVERY_S = 5.0


@frozen
class Paying:
    """
    @ivar channels: ways to pay.
    @ivar rounds: places the orders that are paid for, of the chargers of this node.
    @ivar shared_rounds: what one node does for all, by name.
    @ivar taking: writes down what channels tell.
    """

    channels: Channels
    rounds: Rounds
    shared_rounds: Mapping[str, Rounds]
    taking: Taking
    _payments: Payments
    _prepaid: Prepaid
    _refunds: Refunds
    _reconciling: Reconciling

    @classmethod
    def join(
        cls,
        store: Store,
        clock: IReactorTime,
        calendar: Calendar,
        settings: PaymentSettings,
        channels: Mapping[str, IPaymentChannel],
        made_by: Mapping[str, str],
        placing: Placing,
        elsewhere: Elsewhere,
        tell: Callable[[Alarm], None],
        took: Callable[[str, float], None],
    ) -> "Paying":
        """
        Join them.

        @param made_by: the plugin that each channel comes from, with its version.
        @param tell: takes alarms to people.
        @param took: told how long a channel took.
        """
        found = Channels(channels, settings, clock, calendar, made_by, tell, took)
        taking = Taking(store, calendar, clock.seconds, tell)
        paid = Payments(store, calendar, clock.seconds, found, taking)
        refunds = Refunds(store, calendar, clock.seconds, found, taking)

        async def hand_on(charger_id: int, payment_id: int) -> bool:
            node = await elsewhere.holder(charger_id)
            if node is not None:
                elsewhere.post.tell(node, "paid", payment_id)
            return node is not None

        async def is_paid(payment_id: int) -> None:
            await prepaid.go_on(await paid.get(None, payment_id))

        prepaid = Prepaid(store, paid, refunds, placing, hand_on)
        elsewhere.post.answers["paid"] = is_paid
        taking.taken = prepaid.go_on
        chasing = Chasing(store, clock.seconds, found, taking, refunds)
        reconciling = Reconciling(store, calendar, found, tell)
        shared = {
            "chase payments": Rounds(clock, chasing.round, EVERY_S),
            "reconcile payments": Rounds(clock, reconciling.round),
        }
        rounds = Rounds(clock, prepaid.round, EVERY_S)
        return cls(found, rounds, shared, taking, paid, prepaid, refunds, reconciling)

    def withdrawals(self, calendar: Calendar) -> Withdrawals:
        """What customers take out of their wallets goes back as payments do."""
        return Withdrawals(self._refunds.store, calendar, self._refunds)

    def routes(self, tenants: Tenants) -> Sequence[Route]:
        """Theirs of the HTTP API."""
        return [
            *payment_books.routes(self._reconciling, self._refunds, tenants),
            *payments.routes(
                self._payments, self._prepaid, self.channels, self.taking, self._refunds
            ),
        ]
