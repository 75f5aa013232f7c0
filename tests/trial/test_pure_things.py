"""The things that the platform counts on, as plain test cases.

Whoever knows Twisted runs them with C{trial tests/trial/test_*.py}; pytest collects them like all
others.  They are synchronous: see docs/adr/0001-test-runners.rst.
"""

# trial's cases have assertions of their own
# ruff: noqa: PT009, PT027

from datetime import UTC, datetime, timedelta

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chargecloud.calendar import TRUE_TIME, Anchor, Calendar
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import Welcomed
from chargecloud.domain.charger import Secret
from chargecloud.domain.errors import BadTag, Conflict
from chargecloud.domain.occurrences import StartRefused
from chargecloud.domain.order import TRANSITIONS, decide
from chargecloud.domain.order_value import RUNNING, Order, OrderState
from chargecloud.domain.units import divide_half_up, energy_price_fen, share
from chargecloud.interfaces import Claimed, Credentials, Greeting, Proven

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class UnitsTests(SynchronousTestCase):
    """The only rounding rules."""

    def test_half_goes_up(self) -> None:
        """A half is rounded up, at every size."""
        self.assertEqual([divide_half_up(n, 10) for n in (4, 5, 14, 15)], [0, 1, 1, 2])

    def test_nothing_is_rounded_below_zero(self) -> None:
        """Money below zero is a fault of the caller."""
        self.assertRaises(ValueError, divide_half_up, -1, 10)

    def test_price_of_energy(self) -> None:
        """1 kWh at 0.60 yuan is 60 fen, and half of the last fen is a fen."""
        self.assertEqual(energy_price_fen(1_000_000, 60_000), 60)
        self.assertEqual(energy_price_fen(8_333, 60_000), 0)
        self.assertEqual(energy_price_fen(8_334, 60_000), 1)

    def test_parts_sum_to_the_whole(self) -> None:
        """What cannot be split evenly goes to the largest remainders, earlier parts first."""
        self.assertEqual(share(100, [1, 1, 1]), [34, 33, 33])
        self.assertEqual(share(0, [0, 0]), [0, 0])


class OrderTests(SynchronousTestCase):
    """The life of an order, as a table."""

    def test_every_state_is_reached(self) -> None:
        """There is a way into each state but the first."""
        reached = {state for _action, state in TRANSITIONS.values()}
        self.assertEqual(reached | {OrderState.STARTING}, set(OrderState))

    def test_every_running_order_can_end(self) -> None:
        """From each state that has a port there is a way to one that has none."""
        for state in RUNNING:
            outs = {after for (before, _), (_, after) in TRANSITIONS.items() if before is state}
            self.assertTrue(outs - RUNNING, state)

    def test_what_is_not_in_the_table_is_refused(self) -> None:
        """A settled order cannot fail, and nothing has happened to it."""
        order = Order(
            id=1,
            tenant_id=1,
            site_id=1,
            charger_id=1,
            port=1,
            customer_id=None,
            tariff_id=1,
            tariff_version=1,
            time_zone="Asia/Shanghai",
            created_at=NOW,
            start_key="key-1",
            state=OrderState.SETTLED,
        )
        self.assertRaises(Conflict, decide, order, StartRefused(NOW, "busy"))


class NativeTests(SynchronousTestCase):
    """A charger and the cloud, joined without a network."""

    def setUp(self) -> None:
        """A charger that says hello."""
        self.secret = Secret(bytes(range(16)), 1)
        self.charger = NativeCharger("EB-0001", self.secret, 1, 0, Facts("1.0", "T1"))
        self.cloud = NativeDialect(lambda size: bytes(size)).conversation()
        self.charger.hello(5)

    def welcome(self, secret: Secret) -> None:
        """Let the cloud answer the hello with what it takes for the charger's secret."""
        (claimed,) = self.cloud.receive(self.charger.data_to_send())
        self.assertEqual(claimed, Claimed("EB-0001"))
        greeting = Greeting(unix_s=1_795_392_000, heartbeat_s=30)
        self.cloud.welcome("EB-0001", Credentials(secret), greeting)

    def test_round_trip(self) -> None:
        """Each proves to the other that it knows the secret."""
        self.welcome(self.secret)
        heard = self.charger.receive(self.cloud.data_to_send())
        self.assertEqual([type(each) for each in heard], [Welcomed])
        self.charger.heartbeat()
        proven = self.cloud.receive(self.charger.data_to_send())[0]
        assert isinstance(proven, Proven)
        self.assertEqual(proven.login.firmware, "1.0")

    def test_another_secret(self) -> None:
        """A cloud that does not know the secret cannot pass for ours."""
        self.welcome(Secret(bytes(16), 1))
        self.assertRaises(BadTag, self.charger.receive, self.cloud.data_to_send())


class CalendarTests(SynchronousTestCase):
    """The clock that orders, tariffs and days follow."""

    def test_in_service_it_is_the_true_one(self) -> None:
        """The reactor's seconds are Unix time, and so is the date."""
        clock = Clock()
        clock.advance(NOW.timestamp())
        calendar = Calendar(clock.seconds, TRUE_TIME)
        self.assertEqual(calendar.now(), NOW)
        self.assertTrue(calendar.is_true)

    def test_a_faster_one(self) -> None:
        """A demonstration's day passes in 24 minutes."""
        clock = Clock()
        calendar = Calendar(clock.seconds, Anchor(0.0, NOW, 60.0))
        clock.advance(24 * 60)
        self.assertEqual(calendar.now(), NOW + timedelta(days=1))
        self.assertFalse(calendar.is_true)
