"""The rooms joined into a platform, over a store and a clock, without a reactor.

C{tap} gives it to the reactor; tests run the same platform in memory, in step.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chargecloud.attached import channels_of, sinks_of
from chargecloud.calendar import Calendar
from chargecloud.charging.asked import AskedOfUs
from chargecloud.charging.at_hand import LOOK_S, AtHand
from chargecloud.charging.backlog import Backlog
from chargecloud.charging.book import OrderBook
from chargecloud.charging.calls import Calls
from chargecloud.charging.card_lists import CardLists
from chargecloud.charging.cards import CardDesk
from chargecloud.charging.catching_up import CatchingUp
from chargecloud.charging.changing import Changing
from chargecloud.charging.clocks import Clocks
from chargecloud.charging.custody import Custody
from chargecloud.charging.delivering import Delivering
from chargecloud.charging.disputes import Disputes
from chargecloud.charging.facts import Facts
from chargecloud.charging.forgotten import Forgotten
from chargecloud.charging.hazards import Hazards
from chargecloud.charging.history import Curves, History
from chargecloud.charging.keeping import Keeping
from chargecloud.charging.known import KnownOrders
from chargecloud.charging.lending import Lending
from chargecloud.charging.live import LivePorts
from chargecloud.charging.offline import OfflineCharges
from chargecloud.charging.open_questions import OpenQuestions
from chargecloud.charging.orders import Orders
from chargecloud.charging.placing import Placing
from chargecloud.charging.plugin_calls import PluginCalls
from chargecloud.charging.prepaid import PrepaidOrders
from chargecloud.charging.records import Records
from chargecloud.charging.rekeying import Rekeying
from chargecloud.charging.reports import Reports
from chargecloud.charging.resolving import Resolving
from chargecloud.charging.rounds import Rounds
from chargecloud.charging.sampling import Sampling
from chargecloud.charging.schedules import PriceBoard
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.settling import Settling
from chargecloud.charging.start_codes import StartCodes
from chargecloud.charging.starting import Starting
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.suspecting import Suspecting
from chargecloud.charging.unmatched import Unmatched
from chargecloud.charging.waiting import Waiting
from chargecloud.charging.watchdog import Watchdog
from chargecloud.charging.watching import Watching
from chargecloud.domain.decision import Decision
from chargecloud.gateway.gateway import Gateway
from chargecloud.gateway.presence import Presence
from chargecloud.gateway.routing import Routing
from chargecloud.gateway.settings import Limits
from chargecloud.interfaces import (
    FeatureParts,
    INumberingDialect,
    IPunctualDialect,
)
from chargecloud.interfaces import Platform as Given
from chargecloud.money.books import Books
from chargecloud.money.channels import Channels
from chargecloud.money.coupons import Coupons
from chargecloud.money.head_log import HeadLog
from chargecloud.money.month_cards import MonthCards
from chargecloud.money.settings import PaymentSettings, SettlementSettings
from chargecloud.money.settlement.waiting import WaitingOrders
from chargecloud.money.tariffs import Tariffs
from chargecloud.money.timed import TimedTariff
from chargecloud.money.wallets import Wallets
from chargecloud.nodes.elsewhere import Elsewhere
from chargecloud.nodes.post import Post
from chargecloud.paying import Paying
from chargecloud.plugins import Plugins
from chargecloud.registry.cards import Cards
from chargecloud.registry.chargers import Chargers
from chargecloud.registry.customers import Customers
from chargecloud.registry.cut_offs import SiteCutOffs
from chargecloud.registry.editing import Editing
from chargecloud.registry.keys import Keys
from chargecloud.registry.pool import Pool
from chargecloud.registry.register import Register
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.sites import Sites
from chargecloud.registry.tenants import Tenants
from chargecloud.registry.tokens import Tokens
from chargecloud.registry.users import Users
from chargecloud.registry.vault import Vault
from chargecloud.routes import Route
from chargecloud.splitting import Splitting
from chargecloud.storage.following import Following
from chargecloud.storage.spool import Spool
from chargecloud.storage.store import Store
from chargecloud.web.forwarding import Forwarding
from chargecloud.web.live_feed import LiveFeed
from chargecloud.web.resources import (
    bulk_commands,
    cards,
    charger_edits,
    charger_frames,
    charger_imports,
    charger_keys,
    charger_pool,
    chargers,
    commands,
    coupon_offers,
    customers,
    cut_offs,
    health,
    ledger,
    live,
    month_card_sales,
    order_histories,
    order_questions,
    orders,
    sessions,
    sites,
    start_codes,
    tariffs,
    withdrawals,
)
from chargecloud.web.resources.charger_views import Shown

_log = Logger()


@frozen
class Platform:
    """
    @ivar gateway: connections of chargers come here.
    @ivar routing: the way of commands.
    @ivar book: the orders that run.
    @ivar custody: says whose orders they are.
    @ivar post: to the other nodes, once it has a wire.
    @ivar forwarding: of what belongs to another node.
    @ivar feed: tells of what happens; closed when the service stops.
    @ivar clocks: how far those of chargers are off.
    @ivar backlog: what waits in the spool for the database.
    @ivar catching_up: a service that brings it there; L{take_up} starts it.
    @ivar watchdog: a service that looks after orders of which nobody tells any more.
    @ivar followings: services that keep the features up with the event log.
    @ivar channels: ways to pay.
    @ivar rounds: services that do what is due again and again, about the chargers of this node:
        the features' minute, orders that are paid for.
    @ivar shared_rounds: the same for what one node does for all, by name.
    @ivar routes: the whole HTTP API.
    """

    gateway: Gateway
    routing: Routing
    book: OrderBook
    custody: Custody
    post: Post
    forwarding: Forwarding
    settling: Settling
    placing: Placing
    reports: Reports
    watching: Watching
    plugin_calls: PluginCalls
    delivering: Delivering
    clocks: Clocks
    backlog: Backlog
    catching_up: CatchingUp
    channels: Channels
    watchdog: Watchdog
    chargers: Chargers
    feed: LiveFeed
    followings: Sequence[Following]
    rounds: Sequence[Rounds]
    shared_rounds: Mapping[str, Rounds]
    routes: Sequence[Route]

    @classmethod
    def assemble(
        cls,
        store: Store,
        clock: IReactorTime,
        calendar: Calendar,
        plugins: Plugins,
        vault: Vault,
        spool: Spool,
        *,
        feature_settings: Mapping[str, Any],
        charging: ChargingSettings | None = None,
        limits: Limits | None = None,
        payments: PaymentSettings | None = None,
        settlements: SettlementSettings | None = None,
        missing: Callable[[], Sequence[str]] = tuple,
        full: Callable[[], str | None] = lambda: None,
    ) -> "Platform":
        """
        Join the rooms.

        @param spool: keeps what chargers tell while the database is away; not open yet.
        @param feature_settings: by the name of each installed feature.
        @param missing: what the service still lacks, for C{/readyz}.
        @param full: why there is no room for new orders, if so.
        @raise NamedAlike: if two sinks, or two payment channels, have one name.
        @raise UntrueTime: if real money is to be paid by a calendar that is not the true one.
        """
        charging = charging or ChargingSettings()
        presence, live_ports = Presence(), LivePorts()
        post = Post(store.node, vault.derive("post between nodes"), clock)
        elsewhere = Elsewhere(store, post)
        routing = Routing(presence, elsewhere)

        secrets = Secrets(vault, plugins.dialects)
        registered = Chargers(store, calendar, plugins.dialects, secrets)
        places, tenants = Sites(store, calendar), Tenants(store)
        people = Customers(store, calendar)
        plugin_calls = PluginCalls(calendar, clock.seconds)
        took, failed = (
            partial(each, "tariff") for each in (plugin_calls.took, plugin_calls.failed)
        )
        timed = {
            name: TimedTariff(tariff, clock.seconds, took, failed)
            for name, tariff in plugins.tariffs.items()
        }
        prices = Tariffs(store, calendar, timed, plugins.made_by("tariffs"))

        counts_anew = {each.name for each in plugins.dialects.values() if each.counts_anew}
        numbering = {
            name for name, each in plugins.dialects.items() if INumberingDialect.providedBy(each)
        }
        book = OrderBook(store, prices, routing, charging.cut_off, counts_anew)
        stopping = Stopping(book, calendar)
        settling = Settling(store, book, calendar)
        starting = Starting(book, clock, calendar, charging)
        coupons = Coupons(store, calendar)
        month_cards = MonthCards(store, calendar, lambda tenant_id: book.cards_changed(tenant_id))
        placing = Placing(store, book, starting, calendar, charging, full, coupons, month_cards)
        custody = Custody(
            store,
            book,
            settling,
            starting,
            lambda node, charger_id, epoch: post.tell(
                node, "moved", {"charger": charger_id, "epoch": epoch}
            ),
        )
        forgotten = Forgotten(book, settling, calendar)
        unmatched = Unmatched(store)
        watching: Watching
        given = Given(
            calendar,
            store.read,
            store.writer.transact,
            lambda entry: store.writer.decide(Decision(log=(entry,))),
            store.ids.next,
            routing.send,
            lambda: tuple(presence),
            book.chargers,
            store.node,
            clock,
            lambda alarm: watching.tell(alarm),
        )
        built = {
            name: feature.build(feature_settings[name], given)
            for name, feature in plugins.features.items()
        }
        features, makers = list(built.values()), plugins.made_by("features")
        watches = [watch for parts in features for watch in parts.watches]
        watched_by = {
            watch.name: makers[name]
            for name, parts in built.items()
            for watch in parts.watches
            if name in makers
        }
        delivering = Delivering(store, clock, calendar, sinks_of(plugins, features))
        watching = Watching(store, book, stopping, watches, delivering, made_by=watched_by)
        plugin_calls.tell = watching.tell
        paying = Paying.join(
            store,
            clock,
            calendar,
            payments or PaymentSettings(),
            channels_of(plugins, features, calendar),
            plugins.made_by("payment_channels"),
            placing,
            elsewhere,
            watching.tell,
            partial(plugin_calls.took, "payment_channel"),
        )
        splitting = Splitting.join(
            store,
            calendar,
            paying.channels,
            settlements or SettlementSettings(),
            watching.tell,
        )
        reports = Reports(book, Sampling(book, stopping, watching.tell, charging), clock.seconds)
        offline = OfflineCharges(store, book, placing, settling, stopping, forgotten, unmatched)
        backlog = Backlog(spool, calendar)
        book.turns.shut = backlog
        at_hand = AtHand(store, presence, charging.cut_off)
        lending = Lending(book, backlog, placing, stopping, forgotten, at_hand, charging)
        disputes = Disputes(store)
        records = Records(book, settling, reports, offline, unmatched, disputes, lending.may_come)
        keeping = Keeping(records, backlog, lending)
        catching_up = CatchingUp(keeping, backlog, watching, clock, calendar)
        desk = CardDesk(store, book, placing, stopping, lending)
        hazards = Hazards(store, watching)
        rekeying, lists = Rekeying(routing), CardLists(store, routing, clock)
        desks = [desk for parts in features for desk in parts.desks]
        asked = AskedOfUs(routing, book, lists)
        post.answers.update(asked.answers)
        cards_changed = asked.cards_changed_everywhere(post)
        book.cards_changed = paying.taking.cards_changed = cards_changed
        wallets = Wallets(store, cards_changed)
        clocks = Clocks(store, prices, watching, calendar, charging)
        facts = Facts(
            registered,
            custody,
            reports,
            keeping,
            desk,
            watching,
            hazards,
            rekeying,
            lists,
            live_ports,
            plugin_calls,
            PriceBoard(store, prices, calendar),
            clocks,
            KnownOrders(store, book, numbering),
            desks,
        )
        resolving = Resolving(store, book, placing, settling, calendar)
        punctual = {
            name: each.record_deadline_s
            for name, each in plugins.dialects.items()
            if IPunctualDialect.providedBy(each)
        }
        suspecting = Suspecting(book, watching, calendar, punctual)
        watchdog = Watchdog(
            book,
            presence,
            stopping,
            forgotten,
            watching,
            suspecting,
            Waiting(book, starting, calendar),
            clock,
            calendar,
            charging,
        )
        gateway = Gateway(facts, presence, clock, calendar, limits or Limits())
        register, editing = Register(store), Editing(store)
        users = Users(
            store, calendar, clock.seconds, lambda name: post.tell(None, "wrong password", name)
        )
        post.answers["wrong password"] = partial(_count, users)
        shown = Shown(store.roster, live_ports, book, calendar)
        feed, tokens = LiveFeed(store), Tokens(store, seconds=clock.seconds)
        commanding = commands.Commanding(
            registered,
            book,
            Calls(routing, calendar, store.ids.next),
            calendar,
            store.writer.decide,
            watching.write_down,
        )
        return cls(
            gateway=gateway,
            routing=routing,
            book=book,
            custody=custody,
            post=post,
            forwarding=Forwarding(elsewhere, post),
            settling=settling,
            placing=placing,
            reports=reports,
            watching=watching,
            plugin_calls=plugin_calls,
            delivering=delivering,
            clocks=clocks,
            backlog=backlog,
            catching_up=catching_up,
            watchdog=watchdog,
            chargers=registered,
            feed=feed,
            channels=paying.channels,
            followings=[
                Following(store.writer, PrepaidOrders(), clock),
                Following(store.writer, WaitingOrders(), clock),
                *_followings(store, clock, features),
            ],
            shared_rounds={
                **paying.shared_rounds,
                **splitting.shared_rounds,
                "end month cards": Rounds(clock, month_cards.round),
                "tell ledger heads": Rounds(clock, HeadLog(store, calendar).round),
                **{
                    name: Rounds(clock, work)
                    for parts in features
                    for name, work in parts.shared_minute.items()
                },
            },
            rounds=[
                paying.rounds,
                *([Rounds(clock, at_hand.look, LOOK_S)] if lending.is_allowed else []),
                *(Rounds(clock, each) for parts in features for each in parts.each_minute),
            ],
            routes=[
                *sites.routes(places, prices, tenants, editing),
                *charger_imports.routes(registered, places),
                *bulk_commands.routes(
                    bulk_commands.BulkCommanding(commanding, elsewhere), register, places
                ),
                *charger_pool.routes(
                    Pool(store, calendar, secrets), register, shown, routing.hang_up
                ),
                *chargers.routes(registered, register, places, shown),
                *charger_frames.routes(registered, gateway.recorder, plugins.dialects, calendar),
                *charger_edits.routes(
                    editing,
                    register,
                    shown,
                    routing.hang_up,
                    asked.service_changed_everywhere(post),
                ),
                *start_codes.routes(StartCodes(store, calendar, secrets)),
                *charger_keys.routes(Keys(store, calendar, secrets), rekeying, routing.hang_up),
                *commands.routes(commanding),
                *cut_offs.routes(SiteCutOffs(store, charging.cut_off.by_kind)),
                *customers.routes(people, wallets, tenants),
                *withdrawals.routes(paying.withdrawals(calendar)),
                *ledger.routes(Books(store)),
                *cards.routes(Cards(store, calendar), tenants, cards_changed),
                *tariffs.routes(prices, tenants),
                *coupon_offers.routes(coupons, tenants),
                *month_card_sales.routes(month_cards),
                # words of a path come before its variables
                *order_questions.routes(OpenQuestions(store), resolving),
                *orders.routes(
                    Orders(store, book),
                    History(store),
                    placing,
                    Changing(book, calendar),
                    stopping,
                ),
                *order_histories.routes(Curves(store, book), History(store)),
                *paying.routes(tenants),
                *splitting.routes(tenants),
                *(route for parts in features for route in parts.routes),
                *sessions.routes(
                    users,
                    lambda token_id: tokens.revoke(token_id, calendar.now()),
                ),
                *live.routes(feed, clock, tokens.caller),
                *health.routes(calendar, missing, lambda: _limited(full(), backlog, plugins, post)),
            ],
        )

    async def take_up(self) -> None:
        """
        Go on with the orders that were under way when the service stopped, and with what was in
        the spool; that waits for the database, if it has gone again.

        @raise WrongMasterKey: if no charger could log in.
        """
        await self.chargers.check_keys()
        opened = await self.custody.begin()
        # before anything else is decided about them: it is older
        await self.backlog.open()
        self.catching_up.startService()
        await self.catching_up.idle()
        await self.custody.go_on(opened)
        await self.custody.take_over()
        await self.reports.take_up(self.placing.calendar.now())


async def _count(users: Users, name: str) -> None:
    """Whoever guesses passwords at several nodes gets no more tries than at one."""
    users.count(name)


def _limited(full: str | None, backlog: Backlog, plugins: Plugins, post: Post) -> list[str]:
    """What the platform does not do at present."""
    no_charge = [] if full is None else [f"no charge can begin: {full}"]
    spooled = f"records that wait in the spool for the database: {len(backlog)}"
    apart = ["Redis is away: no command reaches another node"] if post.is_apart else []
    return [
        *no_charge,
        *([spooled] if backlog else []),
        *apart,
        *map(str, plugins.refused),
    ]


def _followings(
    store: Store, clock: IReactorTime, features: Sequence[FeatureParts]
) -> list[Following]:
    return [
        Following(store.writer, follower, clock)
        for parts in features
        for follower in parts.followers
    ]
