"""Configuration, database, tenants, tokens and chargers."""

import argparse
import resource
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from chargecloud.cli.opening import open_database, open_store, result_of
from chargecloud.cli.plugins import tell_refused
from chargecloud.cli.whose import tenant_of
from chargecloud.config import Config, read_config
from chargecloud.domain.charger import ChargerKind
from chargecloud.registry.chargers import Chargers
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.sites import find_site
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.tokens import (
    PLATFORM,
    ROLES,
    all_tokens,
    create_token,
    revoke_token,
    role_of,
)
from chargecloud.registry.vault import Vault
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import pending, upgrade


def config_check(arguments: argparse.Namespace) -> int:
    """Read a configuration, and name every fault in it: the file, the key, and what was
    expected.  Nothing is started or changed."""
    setup = read_config(Path(arguments.file))
    # no password belongs on a screen
    database = make_url(setup.config.database_url).render_as_string(hide_password=True)
    plugins = setup.plugins
    print(f"{arguments.file}: good; database {database}")
    print(f"dialects: {', '.join(plugins.dialects)}; features: {', '.join(plugins.features)}")
    for doubt in _doubts(setup.config):
        print(f"but: {doubt}")
    tell_refused(plugins)
    return 0


def _doubts(config: Config) -> Iterator[str]:
    """What can be meant, and hardly is."""
    if config.listen.web is None and not config.listen.chargers:
        yield "nothing listens: there is neither [listen.web] nor [[listen.chargers]]"
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if config.limits.connections > files:
        yield f"limits.connections is above the {files} open files that this shell allows"


def db_upgrade(arguments: argparse.Namespace) -> int:
    """Bring the database up to date, making it if it is missing.  The service does the same
    when it starts."""
    setup = read_config(Path(arguments.config))
    engine = open_engine(setup.config.database_url)
    try:
        upgrade(engine, setup.plugins.migrations)
    finally:
        engine.dispose()
    print("the database is up to date")
    return 0


def db_check(arguments: argparse.Namespace) -> int:
    """Say whether the database is up to date.  The exit status is 1 if it is not."""
    setup = read_config(Path(arguments.config))
    with open_database(setup) as engine:
        lacking = pending(engine, setup.plugins.migrations)
    print(f"the database lacks {', '.join(lacking)}" if lacking else "the database is up to date")
    return 1 if lacking else 0


def tenant_create(arguments: argparse.Namespace) -> int:
    """Make a tenant (an operator, who sees nothing of the others) and print its id."""
    with open_store(arguments) as (store, calendar, _setup):
        made = store.writer.transact(
            lambda connection: create_tenant(
                connection, store.ids.next(), arguments.name, calendar.now()
            )
        )
        print(result_of(made).id)
    return 0


def tenant_list(arguments: argparse.Namespace) -> int:
    """List the tenants: id and name."""
    with open_store(arguments) as (store, _calendar, _setup):
        for tenant in result_of(store.read(all_tenants)):
            print(f"{tenant.id} {tenant.name}")
    return 0


def token_list(arguments: argparse.Namespace) -> int:
    """List the tokens: id, tenant, role, when it was made, when it was revoked, and name.  The
    tokens themselves are nowhere."""
    with open_store(arguments) as (store, _calendar, _setup):
        for token in result_of(store.read(all_tokens)):
            whose = "platform" if token.tenant_id == PLATFORM else str(token.tenant_id)
            until = f"{token.revoked_at:%Y-%m-%d}" if token.revoked_at else "-"
            role = role_of(token.permissions).replace(" ", "-")
            print(f"{token.id} {whose} {role} {token.created_at:%Y-%m-%d} {until} {token.name}")
    return 0


def token_revoke(arguments: argparse.Namespace) -> int:
    """Make a token worthless, from the next request on."""
    with open_store(arguments) as (store, calendar, _setup):
        revoked = store.writer.transact(
            lambda connection: revoke_token(connection, arguments.id, calendar.now())
        )
        result_of(revoked)
    return 0


def token_create(arguments: argparse.Namespace) -> int:
    """Make a token for the HTTP API and print it.  It is shown here and never again: the
    database holds only a digest of it."""
    with open_store(arguments) as (store, calendar, _setup):
        tenant_id = tenant_of(store, arguments)
        made = store.writer.transact(
            lambda connection: create_token(
                connection,
                store.ids.next(),
                tenant_id,
                arguments.name,
                ROLES[arguments.role],
                calendar.now(),
            )
        )
        print(result_of(made))
    return 0


def charger_add(arguments: argparse.Namespace) -> int:
    """Register a charger at a site, and print its id and, if its dialect has keys, the key
    that it is to be given.  The key is shown here and never again."""
    with open_store(arguments) as (store, calendar, setup):
        site = result_of(
            store.read(lambda connection: find_site(connection, None, arguments.site_id))
        )
        vault = Vault.open(setup.config.master_key)
        secrets = Secrets(vault, setup.plugins.dialects)
        charger, key = result_of(
            Chargers(store, calendar, setup.plugins.dialects, secrets).create(
                None,
                site.tenant_id,
                site_id=site.id,
                dialect=arguments.dialect,
                identity=arguments.identity,
                name=arguments.name or arguments.identity,
                port_count=arguments.ports,
                kind=ChargerKind(arguments.kind),
                rated_w=arguments.rated_w,
            )
        )
    print(f"id {charger.id}")
    if key is not None:
        print(f"key {key.hex()}")
    return 0
