"""What the tests of the registry share: a store with two tenants, and the rooms over it."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.task import Clock

from chargecloud.calendar import Calendar
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.domain.charger import ChargerKind
from chargecloud.registry.chargers import Charger, Chargers
from chargecloud.registry.customers import Customers
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.sites import Site, Sites
from chargecloud.registry.tenants import Tenants, create_tenant
from chargecloud.registry.vault import Vault
from chargecloud.storage.once import RequestKey
from chargecloud.storage.store import Store
from tests.harness import NOW, clock_at, open_store, result_of

#: two operators
ONE, TWO = 1, 2


@define
class Registry:
    """The rooms of the registry over one store."""

    clock: Clock
    store: Store
    tenants: Tenants
    sites: Sites
    customers: Customers
    chargers: Chargers

    @classmethod
    def open(cls, folder: Path) -> "Registry":
        """On a fresh database, with the tenants L{ONE} and L{TWO}."""
        clock = clock_at()
        store = open_store(folder, clock)
        with store.engine.begin() as connection:
            create_tenant(connection, ONE, "one", NOW)
            create_tenant(connection, TWO, "two", NOW)
        calendar = Calendar(clock.seconds)
        dialects = {"native": NativeDialect(), "keyless": NativeDialect(key_bytes=None)}
        return cls(
            clock,
            store,
            Tenants(store),
            Sites(store, calendar),
            Customers(store, calendar),
            Chargers(
                store, calendar, dialects, Secrets(Vault.open(folder / "master.key"), dialects)
            ),
        )

    def site(self, tenant_id: int = ONE, request: RequestKey | None = None) -> Site:
        """Make a site."""
        made: Site = result_of(
            self.sites.create(request, tenant_id, name="North", time_zone="Asia/Shanghai")
        )
        return made

    def creating(
        self,
        site: Site,
        identity: str,
        *,
        tenant_id: int | None = None,
        dialect: str = "native",
        key: bytes | None = None,
        request: RequestKey | None = None,
        ports: int = 2,
    ) -> Coroutine[Any, Any, tuple[Charger, bytes | None]]:
        """The registration of a charger at a site, by the site's tenant or another."""
        return self.chargers.create(
            request,
            tenant_id or site.tenant_id,
            site_id=site.id,
            dialect=dialect,
            identity=identity,
            port_count=ports,
            kind=ChargerKind.EBIKE,
            key=key.hex() if key else None,
            name=f"box {identity}",
            rated_w=5500,
        )

    def charger(self, site: Site, identity: str, **about: Any) -> tuple[Charger, bytes | None]:
        """Register a charger; with its key."""
        made: tuple[Charger, bytes | None] = result_of(self.creating(site, identity, **about))
        return made
