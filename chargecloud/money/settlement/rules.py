"""Split rules as they are kept: versions, each for some sites and some days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from attrs import asdict, evolve, field, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, Edited, Invalid, NotFound
from chargecloud.domain.split import Inapplicable, Rule
from chargecloud.money.settlement.parties import Parties
from chargecloud.money.settlement.terms import check, parties_of, rule_of
from chargecloud.registry.sites import find_site
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import split_rules
from chargecloud.storage.store import Store

#: as exact as instants are kept
_MOMENT = timedelta(milliseconds=1)


def day_ended(at: datetime, zone: ZoneInfo) -> date:
    """The day that what ends at some time is of: at midnight the one that is over."""
    return (at - _MOMENT).astimezone(zone).date()


class Every(Enum):
    """How often the orders of a rule are settled."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"
    #: only when somebody says so
    HAND = "by_hand"


@frozen(kw_only=True)
class SplitRule:
    """
    One version of a rule; it never changes.

    @ivar site_id: C{None} for all sites that have no rule of their own.
    @ivar valid_from: the first day on which an order ended, at its site, that it is for.
    @ivar valid_until: the last one; C{None} for ever.
    @ivar deferred_days: how long an order has ended before it is split.
    @ivar is_retired: whether it is for no order any more.
    """

    id: int
    version: int
    tenant_id: int
    name: str
    site_id: int | None
    every: Every
    valid_from: date
    valid_until: date | None
    deferred_days: int
    terms: Mapping[str, Any]
    is_retired: bool = False
    created_at: datetime

    def is_for(self, site_id: int, day: date) -> bool:
        """Whether it is for orders of a site that ended on a day."""
        return (
            not self.is_retired
            and self.site_id in (None, site_id)
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )

    def overlaps(self, other: "SplitRule") -> bool:
        """Whether it is for the same orders as another."""
        ends = (self.valid_until or date.max, other.valid_until or date.max)
        return (
            self.id != other.id
            and not (self.is_retired or other.is_retired)
            and self.site_id == other.site_id
            and self.valid_from <= ends[1]
            and other.valid_from <= ends[0]
        )


def split_rule_of(row: Any) -> SplitRule:
    """The version of a rule in a row."""
    values = dict(row._mapping)
    values["every"] = Every(values["every"])
    values["valid_from"] = date.fromisoformat(values["valid_from"])
    until = values["valid_until"]
    values["valid_until"] = None if until is None else date.fromisoformat(until)
    return SplitRule(**values)


def _row(rule: SplitRule) -> dict[str, Any]:
    until = rule.valid_until
    return asdict(rule, recurse=False) | {
        "every": rule.every.value,
        "valid_from": rule.valid_from.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
    }


@frozen
class Known:
    """
    The rules of a tenant.

    @ivar versions: all of them, by id and version.
    @ivar newest: those that count for orders that were never split.
    @ivar _found: rules of sites and days that were asked for: a thousand orders are of a few.
    """

    versions: Mapping[tuple[int, int], tuple[SplitRule, Rule]]
    newest: Sequence[SplitRule]
    _found: dict[tuple[int, date], tuple[SplitRule, Rule]] = field(factory=dict, init=False)

    @classmethod
    def read(cls, connection: Connection, tenant_id: int) -> "Known":
        """Of a tenant."""
        found = select(split_rules).where(split_rules.c.tenant_id == tenant_id)
        versions = {}
        newest = {}
        for row in connection.execute(found.order_by(split_rules.c.id, split_rules.c.version)):
            rule = split_rule_of(row)
            versions[rule.id, rule.version] = (rule, rule_of(rule.terms))
            newest[rule.id] = rule
        return cls(versions, tuple(newest.values()))

    @property
    def knows_occupancy(self) -> bool:
        """Whether any of them splits occupancy by shares of its own."""
        return any(rule.occupancy for _, rule in self.versions.values())

    def find(self, site_id: int, day: date) -> tuple[SplitRule, Rule]:
        """
        The rule for orders of a site that ended on a day: that of the site before that of all.

        @raise Inapplicable: if there is none, or more than one.
        """
        found = self._found.get((site_id, day))
        if found is None:
            found = self._found[site_id, day] = self._find(site_id, day)
        return found

    def _find(self, site_id: int, day: date) -> tuple[SplitRule, Rule]:
        fit = [rule for rule in self.newest if rule.is_for(site_id, day)]
        own = [rule for rule in fit if rule.site_id is not None] or fit
        if not own:
            raise Inapplicable("no-rule")
        if len(own) > 1:
            raise Inapplicable("rules-overlap")
        return self.versions[own[0].id, own[0].version]


@frozen
class SplitRules:
    """The rules of all tenants."""

    store: Store
    calendar: Calendar
    parties: Parties

    async def create(self, request: RequestKey | None, tenant_id: int, **about: Any) -> SplitRule:
        """
        Make a rule.

        @param about: the fields of L{SplitRule} that describe it.
        @raise Invalid: naming what is wrong with it.
        @raise Conflict: if another one is for the same orders.
        """
        rule = await self._checked(self.store.ids.next(), 1, tenant_id, **about)
        made = await once(self.store, request, rule.id, _insert(rule))
        return await self.get(tenant_id, made.resource_id)

    async def replace(
        self, tenant_id: int | None, rule_id: int, seen: frozenset[int] | None, **about: Any
    ) -> SplitRule:
        """
        Make a new version; orders that are split already keep theirs, also when money goes
        back later.

        @param seen: the versions that the caller has seen; C{None}: whichever it is.
        """
        before = await self.get(tenant_id, rule_id, seen)
        after = await self._checked(rule_id, before.version + 1, before.tenant_id, **about)
        return await self._write(after)

    async def retire(
        self, tenant_id: int | None, rule_id: int, seen: frozenset[int] | None
    ) -> SplitRule:
        """Have it be for no order that is not split yet."""
        before = await self.get(tenant_id, rule_id, seen)
        if before.is_retired:
            return before
        after = evolve(
            before, version=before.version + 1, is_retired=True, created_at=self.calendar.now()
        )
        return await self._write(after)

    async def _write(self, rule: SplitRule) -> SplitRule:
        try:
            await self.store.writer.decide(_insert(rule))
        except Stale:
            raise Conflict("the rule has just been changed by somebody else") from None
        return await self.get(None, rule.id)

    async def _checked(self, rule_id: int, version: int, tenant_id: int, **about: Any) -> SplitRule:
        terms = check(about["terms"], about["site_id"])
        rule = SplitRule(
            id=rule_id,
            version=version,
            tenant_id=tenant_id,
            created_at=self.calendar.now(),
            **about | {"terms": terms},
        )
        if rule.valid_until is not None and rule.valid_until < rule.valid_from:
            what = "must not be before valid_from"
            raise Invalid(what, errors=[{"pointer": "/valid_until", "detail": what}])
        if unknown := await self.parties.unknown(tenant_id, parties_of(terms)):
            what = f"has no party {', '.join(map(str, unknown))}"
            raise Invalid(f"the tenant {what}", errors=[{"pointer": "/terms", "detail": what}])
        site_id = rule.site_id
        if site_id is not None:
            try:
                await self.store.read(lambda connection: find_site(connection, tenant_id, site_id))
            except NotFound as error:
                errors = [{"pointer": "/site_id", "detail": error.detail}]
                raise Invalid(error.detail, errors=errors) from None
        known = await self.store.read(lambda connection: Known.read(connection, tenant_id))
        for other in known.newest:
            if rule.overlaps(other):
                raise Conflict(
                    f"rule {other.id} is for the same orders", rule_id=other.id, name=other.name
                )
        return rule

    async def get(
        self, tenant_id: int | None, rule_id: int, seen: frozenset[int] | None = None
    ) -> SplitRule:
        """
        The newest version.

        @raise NotFound: if the tenant has no such rule.
        @raise Edited: if it is none of those that were seen.
        """
        query = _newest(tenant_id).where(split_rules.c.id == rule_id)
        row = await self.store.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no split rule {rule_id}")
        rule = split_rule_of(row)
        if seen is not None and rule.version not in seen:
            raise Edited(f"the rule is at version {rule.version} by now", version=rule.version)
        return rule

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[SplitRule], str | None]:
        """A page of the newest versions, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection,
                _newest(tenant_id),
                split_rules.c.id,
                split_rule_of,
                limit=limit,
                cursor=cursor,
            )
        )


def _insert(rule: SplitRule) -> Decision:
    body = {"rule_id": str(rule.id), "version": rule.version, "is_retired": rule.is_retired}
    entry = LogEntry("split_rule.changed", rule.tenant_id, body)
    return Decision((Insert("split_rules", _row(rule)),), (entry,))


def _newest(tenant_id: int | None) -> Any:
    newest = select(split_rules.c.id, func.max(split_rules.c.version).label("version"))
    if tenant_id is not None:
        newest = newest.where(split_rules.c.tenant_id == tenant_id)
    chosen = newest.group_by(split_rules.c.id).subquery()
    is_newest = (split_rules.c.id == chosen.c.id) & (split_rules.c.version == chosen.c.version)
    return select(split_rules).join(chosen, is_newest)
