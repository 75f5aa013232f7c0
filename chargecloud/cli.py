"""C{chargecloud}: what a sysadmin does from the shell.

Each command is a function of the parsed arguments that returns the exit status; those
that touch the database take it from the configuration file.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from chargecloud.calendar import Calendar
from chargecloud.config import Config, ConfigError, read_config
from chargecloud.domain.errors import Refusal
from chargecloud.plugins import PluginError, Plugins, load_plugins
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.tokens import PLATFORM, ROLES, create_token
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.engine import open_engine
from chargecloud.storage.ids import Ids
from chargecloud.storage.migrate import pending, upgrade
from chargecloud.storage.slots import lease_slot, release_slot


def config_check(arguments: argparse.Namespace) -> int:
    """Read a configuration and name every fault in it."""
    config, plugins = _load(arguments.file)
    print(f"{arguments.file}: good; database {config.database_url}")
    print(f"dialects: {', '.join(plugins.dialects)}; features: {', '.join(plugins.features)}")
    return 0


def plugins_list(arguments: argparse.Namespace) -> int:
    """List what the plugins provide."""
    plugins = _load(arguments.config)[1]
    for kind, provided in (
        ("dialect", plugins.dialects),
        ("tariff", plugins.tariffs),
        ("feature", plugins.features),
    ):
        for name, provider in provided.items():
            print(f"{kind:8} {name:20} {type(provider).__module__}")
    return 0


def db_upgrade(arguments: argparse.Namespace) -> int:
    """Bring the database up to date."""
    config, plugins = _load(arguments.config)
    upgrade(open_engine(config.database_url), _revisions(plugins))
    print("the database is up to date")
    return 0


def db_check(arguments: argparse.Namespace) -> int:
    """Say whether the database is up to date."""
    config, plugins = _load(arguments.config)
    lacking = pending(open_engine(config.database_url), _revisions(plugins))
    print(f"the database lacks {', '.join(lacking)}" if lacking else "the database is up to date")
    return 1 if lacking else 0


def tenant_create(arguments: argparse.Namespace) -> int:
    """Make a tenant and print its id."""
    with _writing(arguments) as (connection, ids):
        tenant = create_tenant(connection, ids.next(), arguments.name, Calendar(time.time).now())
    print(tenant.id)
    return 0


def token_create(arguments: argparse.Namespace) -> int:
    """Make a token and print it: it is shown here and never again."""
    with _writing(arguments) as (connection, ids):
        known = {tenant.id for tenant in all_tenants(connection)}
        tenant_id = PLATFORM if arguments.tenant is None else arguments.tenant
        if tenant_id != PLATFORM and tenant_id not in known:
            raise SystemExit(f"there is no tenant {tenant_id}")
        token = create_token(
            connection,
            ids.next(),
            tenant_id,
            arguments.name,
            ROLES[arguments.role],
            Calendar(time.time).now(),
        )
    print(token)
    return 0


def ledger_verify(arguments: argparse.Namespace) -> int:
    """Go through the ledger and name everything that is not in balance."""
    config, _plugins = _load(arguments.config)
    with open_engine(config.database_url).connect() as connection:
        faults = list(ledger_faults(connection))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults" if faults else "the ledger is in balance")
    return 1 if faults else 0


def _load(path: str) -> tuple[Config, Plugins]:
    file = read_config(Path(path))
    plugins = load_plugins(file.core.plugins.blocked)
    file.features(plugins.features)
    return file.core, plugins


def _revisions(plugins: Plugins) -> list[Path]:
    return [feature.migrations for feature in plugins.features.values() if feature.migrations]


@contextmanager
def _writing(arguments: argparse.Namespace) -> Iterator[tuple[Connection, Ids]]:
    """A transaction beside the service, with a node slot of its own for its ids."""
    engine = open_engine(_load(arguments.config)[0].database_url)
    holder = f"command line {os.getpid()}"
    with engine.begin() as connection:
        slot = lease_slot(connection, holder, time.time())
    try:
        with engine.begin() as connection:
            yield connection, Ids(time.time, slot)
    finally:
        with engine.begin() as connection:
            release_slot(connection, slot, holder, time.time())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chargecloud",
        description="Administer ChargeCloud.  The service itself is `twistd chargecloud`.",
    )
    rooms = parser.add_subparsers(required=True, metavar="COMMAND")

    config = rooms.add_parser("config", help="the configuration").add_subparsers(required=True)
    check = config.add_parser("check", help="name every fault in a configuration")
    check.add_argument("file", help="the TOML file")
    check.set_defaults(run=config_check)

    def command(
        room: "argparse._SubParsersAction[argparse.ArgumentParser]",
        name: str,
        about: str,
        run: object,
    ) -> argparse.ArgumentParser:
        made = room.add_parser(name, help=about)
        made.add_argument("-c", "--config", required=True, help="the TOML file of the service")
        made.set_defaults(run=run)
        return made

    plugins = rooms.add_parser("plugins", help="the plugins").add_subparsers(required=True)
    command(plugins, "list", "list what they provide", plugins_list)

    database = rooms.add_parser("db", help="the database").add_subparsers(required=True)
    command(database, "upgrade", "bring it up to date", db_upgrade)
    command(database, "check", "say whether it is up to date", db_check)

    tenant = rooms.add_parser("tenant", help="operators").add_subparsers(required=True)
    made = command(tenant, "create", "make one and print its id", tenant_create)
    made.add_argument("name")

    token = rooms.add_parser("token", help="API tokens").add_subparsers(required=True)
    made = command(token, "create", "make one and print it, once", token_create)
    made.add_argument("name", help="what it is for")
    made.add_argument("--tenant", type=int, help="id of its tenant; the platform's without it")
    made.add_argument("--role", choices=sorted(ROLES), default="operator")

    ledger = rooms.add_parser("ledger", help="the money").add_subparsers(required=True)
    command(ledger, "verify", "name everything that is not in balance", ledger_verify)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except (ConfigError, PluginError, Refusal) as error:
        print(error, file=sys.stderr)
        return 1
    return status
