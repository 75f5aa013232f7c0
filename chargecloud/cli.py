"""C{chargecloud}: what a sysadmin does from the shell.

Each command is a function of the parsed arguments that returns the exit status; its
docstring is its help.  Those that touch the database find it by the configuration file,
and may run beside the service.
"""

import argparse
import json
import os
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha512
from pathlib import Path
from typing import Any, TypeVar

from alembic.util import CommandError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.config import ConfigError, Setup, read_config
from chargecloud.dialects.native.manifest import DIGEST_SIZE, MANIFEST, SIGNED_LABEL
from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.errors import Invalid, NotFound, Refusal
from chargecloud.registry.batches import (
    MOST_CHARGERS,
    TRANSPORT_KEY_BYTES,
    Batch,
    MadeCharger,
    claim_digest,
    label,
    new_code,
    read_batch,
    read_transport_key,
    write_batch,
)
from chargecloud.registry.chargers import Chargers
from chargecloud.registry.pool import Pool
from chargecloud.registry.secrets import Secrets
from chargecloud.registry.sites import find_site
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.tokens import (
    PLATFORM,
    ROLES,
    all_tokens,
    create_token,
    revoke_token,
)
from chargecloud.registry.vault import Vault
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.calendars import resume
from chargecloud.storage.engine import for_writing, open_engine
from chargecloud.storage.ids import Ids
from chargecloud.storage.migrate import pending, upgrade
from chargecloud.storage.slots import lease_slot, release_slot
from chargecloud.storage.store import Store
from chargecloud.storage.writer import Writer
from chargecloud.web.resources.chargers import MOST_PORTS, MOST_RATED_W

T = TypeVar("T")

#: what the command line calls itself in the event log; services count from 1
COMMAND_LINE_NODE = 0

# ----------------------------------------------------------------------------- the commands


def config_check(arguments: argparse.Namespace) -> int:
    """Read a configuration, and name every fault in it: the file, the key, and what was
    expected.  Nothing is started or changed."""
    setup = read_config(Path(arguments.file))
    # no password belongs on a screen
    database = make_url(setup.config.database_url).render_as_string(hide_password=True)
    plugins = setup.plugins
    print(f"{arguments.file}: good; database {database}")
    print(f"dialects: {', '.join(plugins.dialects)}; features: {', '.join(plugins.features)}")
    return 0


def plugins_list(arguments: argparse.Namespace) -> int:
    """List what the plugins provide, and the module that it comes from: one line for each
    dialect, kind of tariff, feature and alarm sink."""
    plugins = read_config(Path(arguments.config)).plugins
    for kind, provided in (
        ("dialect", plugins.dialects),
        ("tariff", plugins.tariffs),
        ("feature", plugins.features),
        ("sink", plugins.alarm_sinks),
    ):
        for name, provider in provided.items():
            print(f"{kind:8} {name:20} {type(provider).__module__}")
    return 0


def db_upgrade(arguments: argparse.Namespace) -> int:
    """Bring the database up to date, making it if it is missing.  The service does the same
    when it starts."""
    setup = read_config(Path(arguments.config))
    with _engine(setup) as engine:
        upgrade(engine, setup.plugins.migrations)
    print("the database is up to date")
    return 0


def db_check(arguments: argparse.Namespace) -> int:
    """Say whether the database is up to date.  The exit status is 1 if it is not."""
    setup = read_config(Path(arguments.config))
    with _engine(setup) as engine:
        lacking = pending(engine, setup.plugins.migrations)
    print(f"the database lacks {', '.join(lacking)}" if lacking else "the database is up to date")
    return 1 if lacking else 0


def tenant_create(arguments: argparse.Namespace) -> int:
    """Make a tenant (an operator, who sees nothing of the others) and print its id."""
    with _store(arguments) as (store, calendar, _setup):
        made = store.writer.transact(
            lambda connection: create_tenant(
                connection, store.ids.next(), arguments.name, calendar.now()
            )
        )
        print(_result(made).id)
    return 0


def tenant_list(arguments: argparse.Namespace) -> int:
    """List the tenants: id and name."""
    with _store(arguments) as (store, _calendar, _setup):
        for tenant in _result(store.read(all_tenants)):
            print(f"{tenant.id} {tenant.name}")
    return 0


def token_list(arguments: argparse.Namespace) -> int:
    """List the tokens: id, tenant, when it was made, when it was revoked, and name.  The
    tokens themselves are nowhere."""
    with _store(arguments) as (store, _calendar, _setup):
        for token in _result(store.read(all_tokens)):
            whose = "platform" if token.tenant_id == PLATFORM else str(token.tenant_id)
            until = f"{token.revoked_at:%Y-%m-%d}" if token.revoked_at else "-"
            print(f"{token.id} {whose} {token.created_at:%Y-%m-%d} {until} {token.name}")
    return 0


def token_revoke(arguments: argparse.Namespace) -> int:
    """Make a token worthless, from the next request on."""
    with _store(arguments) as (store, calendar, _setup):
        revoked = store.writer.transact(
            lambda connection: revoke_token(connection, arguments.id, calendar.now())
        )
        _result(revoked)
    return 0


def token_create(arguments: argparse.Namespace) -> int:
    """Make a token for the HTTP API and print it.  It is shown here and never again: the
    database holds only a digest of it."""
    with _store(arguments) as (store, calendar, _setup):
        tenant_id = PLATFORM if arguments.tenant is None else arguments.tenant
        known = {tenant.id for tenant in _result(store.read(all_tenants))}
        if tenant_id != PLATFORM and tenant_id not in known:
            raise NotFound(f"there is no tenant {tenant_id}")
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
        print(_result(made))
    return 0


def charger_add(arguments: argparse.Namespace) -> int:
    """Register a charger at a site, and print its id and, if its dialect has keys, the key
    that it is to be given.  The key is shown here and never again."""
    with _store(arguments) as (store, calendar, setup):
        site = _result(
            store.read(lambda connection: find_site(connection, None, arguments.site_id))
        )
        vault = Vault.open(setup.config.data_dir / "master.key")
        secrets = Secrets(vault, setup.plugins.dialects)
        charger, key = _result(
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


def factory_new_key(_arguments: argparse.Namespace) -> int:
    """Make a transport key and print it.  A factory and the platform share it; it opens the
    keys of every batch that was wrapped with it."""
    print(os.urandom(TRANSPORT_KEY_BYTES).hex())
    return 0


def factory_make_batch(arguments: argparse.Namespace) -> int:
    """Make the keys and claim codes of chargers that are to be made: the batch for the
    platform, and beside it a table for the factory, with the key and the QR text of each.
    The table is the only place in which the keys are to be read."""
    transport_key = read_transport_key(Path(arguments.key).read_text(encoding="ascii"))
    batch = Batch(
        arguments.name,
        arguments.dialect,
        ChargerKind(arguments.kind),
        arguments.ports,
        arguments.rated_w,
        arguments.vendor,
    )
    made, table = [], ["identity,key,code,label"]
    for number in range(arguments.first, arguments.first + arguments.count):
        identity, key, code = f"{arguments.prefix}{number:06}", os.urandom(16), new_code()
        made.append(MadeCharger(identity, key, claim_digest(identity, code)))
        table.append(f"{identity},{key.hex()},{code},{label(identity, code)}")
    text = write_batch(batch, made, transport_key)
    for path, content in ((arguments.out, text), (f"{arguments.out}.keys.csv", "\n".join(table))):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content.rstrip("\n") + "\n")
    print(f"{len(made)} chargers: {arguments.out} for the platform, ", end="")
    print(f"{arguments.out}.keys.csv for the factory")
    return 0


def factory_import(arguments: argparse.Namespace) -> int:
    """Take in the chargers of a batch: nobody's, until an installer claims them.  Each line
    that is refused is named; the others are taken in.  A batch may be taken in again."""
    transport_key = read_transport_key(Path(arguments.key).read_text(encoding="ascii"))
    batch, lines = read_batch(Path(arguments.file).read_text(encoding="utf-8"), transport_key)
    with _store(arguments) as (store, calendar, setup):
        vault = Vault.open(setup.config.data_dir / "master.key")
        pool = Pool(store, calendar, Secrets(vault, setup.plugins.dialects))
        report = _result(pool.take_in(batch, list(lines)))
    for each in report:
        if each.why is not None:
            print(f"{arguments.file}:{each.line}: {each.identity or 'the line'} {each.why}")
    counted = Counter(each.outcome for each in report)
    print(", ".join(f"{counted[each]} {each}" for each in ("imported", "known", "refused")))
    return 1 if counted["refused"] else 0


def firmware_new_key(arguments: argparse.Namespace) -> int:
    """Make a vendor's signing key.  The file is the vendor's and nobody else's; what is printed
    is its public half, for the platform and for the boot code of the chargers."""
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    print(key.public_key().public_bytes_raw().hex())
    return 0


def firmware_sign(arguments: argparse.Namespace) -> int:
    """Sign an image, and print the body for POST /firmware/images.  It is done where the
    vendor's key is, and needs no platform."""
    data = Path(arguments.image).read_bytes()
    try:
        key = Ed25519PrivateKey.from_private_bytes(
            bytes.fromhex(Path(arguments.key).read_text(encoding="ascii").strip())
        )
        manifest = MANIFEST.write(
            {
                "hardware": arguments.hardware,
                "build": arguments.build,
                "version": arguments.version,
                "size": len(data),
                "digest": sha512(data).digest()[:DIGEST_SIZE],
            }
        )
    except ValueError as error:
        raise Invalid(f"this cannot be signed: {error}") from error
    body = {
        "manifest": manifest.hex(),
        "signature": key.sign(SIGNED_LABEL + manifest).hex(),
        "image": b64encode(data).decode(),
    }
    print(json.dumps(body))
    return 0


def ledger_verify(arguments: argparse.Namespace) -> int:
    """Go through the books and name everything in which they contradict themselves:
    balances and postings, holds and orders, bills and what was paid for them.  The exit
    status is 1 if there is anything."""
    setup = read_config(Path(arguments.config))
    with _current(setup) as engine, engine.connect() as connection:
        faults = list(ledger_faults(connection))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults" if faults else "the books are sound")
    return 1 if faults else 0


# ----------------------------------------------------------------------------- the database


@contextmanager
def _engine(setup: Setup) -> Iterator[Engine]:
    engine = open_engine(setup.config.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _current(setup: Setup) -> Iterator[Engine]:
    """The engine of a database that has all its tables."""
    with _engine(setup) as engine:
        if lacking := pending(engine, setup.plugins.migrations):
            raise NotFound(f"the database lacks {', '.join(lacking)}: `chargecloud db upgrade`")
        yield engine


@contextmanager
def _store(arguments: argparse.Namespace) -> Iterator[tuple[Store, Calendar, Setup]]:
    """The store beside the service's, with a node slot of its own for its ids."""
    setup = read_config(Path(arguments.config))
    holder = f"command line {os.getpid()}"
    with _current(setup) as engine:
        calendar = _calendar(setup, engine)
        with for_writing(engine).begin() as connection:
            slot = lease_slot(connection, holder, time.time())
        try:
            ids = Ids(time.time, slot)
            writer = Writer(for_writing(engine), _AtOnce(), calendar, COMMAND_LINE_NODE, ids.next)
            with engine.connect() as connection:
                writer.open(connection)
            yield Store(engine, ids, writer, _AtOnce()), calendar, setup
        finally:
            with for_writing(engine).begin() as connection:
                release_slot(connection, slot, holder, time.time())


def _calendar(setup: Setup, engine: Engine) -> Calendar:
    settings = setup.config.calendar
    if settings is None:
        return Calendar(time.time)
    with engine.connect() as connection:
        anchor = resume(connection, settings.start, time.time(), settings.speed)
    return Calendar(time.time, anchor)


class _AtOnce:
    """Runs the database's work here and now: a command has nothing else to do."""

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it."""
        return maybeDeferred(work)


def _result(work: Awaitable[T]) -> T:
    """What work came to, all of which is done at once."""

    async def done() -> T:
        return await work

    outcome: list[Any] = []
    Deferred.fromCoroutine(done()).addBoth(outcome.append)
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    result: T = outcome[0]
    return result


# --------------------------------------------------------------------------- the command line

_Parsers = Any  # argparse's own type for them is private


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chargecloud",
        description="Administer ChargeCloud.  The service itself is `twistd chargecloud`.",
        epilog="`chargecloud COMMAND --help` tells more about each.",
    )
    rooms = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    config = _room(rooms, "config", "the configuration file")
    made = _command(config, "check", config_check, configured=False)
    made.add_argument("file", metavar="FILE", help="the TOML file; etc/ has samples")

    _command(_room(rooms, "plugins", "what is installed beside the core"), "list", plugins_list)

    database = _room(rooms, "db", "the database")
    _command(database, "upgrade", db_upgrade)
    _command(database, "check", db_check)

    tenants = _room(rooms, "tenant", "operators that share it")
    _command(tenants, "list", tenant_list)
    made = _command(tenants, "create", tenant_create)
    made.add_argument("name", help="what to call it; each name once")

    tokens = _room(rooms, "token", "tokens of the HTTP API")
    _command(tokens, "list", token_list)
    made = _command(tokens, "revoke", token_revoke)
    made.add_argument("id", type=int, help="of the token, as `token list` tells it")
    made = _command(tokens, "create", token_create)
    made.add_argument("name", help="what it is for")
    whose = made.add_mutually_exclusive_group(required=True)
    whose.add_argument("--tenant", type=int, metavar="ID", help="for one tenant")
    whose.add_argument("--platform", action="store_true", help="for the whole platform")
    made.add_argument(
        "--role",
        choices=sorted(ROLES),
        default="operator",
        help="what it may do (default: %(default)s)",
    )

    made = _command(_room(rooms, "charger", "chargers"), "add", charger_add)
    made.add_argument("site_id", type=int, metavar="SITE", help="id of the site where it stands")
    made.add_argument("identity", help="what it calls itself on the wire")
    made.add_argument("--dialect", default="native", help="what it speaks (default: %(default)s)")
    made.add_argument("--name", help="what people call it; its identity if not given")
    _about_chargers(made)

    _factory(_room(rooms, "factory", "chargers that a factory makes"))
    _firmware(_room(rooms, "firmware", "vendors' images of firmware"))
    _command(_room(rooms, "ledger", "the money"), "verify", ledger_verify)
    return parser


def _factory(factory: _Parsers) -> None:
    _command(factory, "new-transport-key", factory_new_key, configured=False)
    made = _command(factory, "make-batch", factory_make_batch, configured=False)
    made.add_argument("out", metavar="FILE", help="the batch to be written; it must not be there")
    made.add_argument("--key", metavar="FILE", required=True, help="the transport key's file")
    made.add_argument("--name", required=True, help="of the batch")
    made.add_argument("--prefix", required=True, help="of each identity; a number follows")
    made.add_argument("--first", type=_whole(0, 999_999), default=1, help="number of the first")
    made.add_argument(
        "--count", type=_whole(1, MOST_CHARGERS), required=True, help="how many chargers"
    )
    made.add_argument("--dialect", default="native", help="what they speak (default: %(default)s)")
    made.add_argument("--vendor", help="who makes them")
    _about_chargers(made)
    made = _command(factory, "import", factory_import)
    made.add_argument("file", metavar="FILE", help="the batch")
    made.add_argument("--key", metavar="FILE", required=True, help="the transport key's file")


def _firmware(firmware: _Parsers) -> None:
    made = _command(firmware, "new-key", firmware_new_key, configured=False)
    made.add_argument("file", metavar="FILE", help="where the key is written; it must be new")
    made = _command(firmware, "sign", firmware_sign, configured=False)
    made.add_argument("image", metavar="IMAGE", help="the file of the image")
    made.add_argument("--key", metavar="FILE", required=True, help="the vendor's key")
    made.add_argument("--hardware", required=True, help="as the chargers tell it at their login")
    made.add_argument(
        "--build", type=_whole(1, 2**32 - 1), required=True, help="higher than any before"
    )
    made.add_argument("--version", required=True, help="for people")


def _about_chargers(made: argparse.ArgumentParser) -> None:
    made.add_argument("--ports", type=_whole(1, MOST_PORTS), required=True, help="how many it has")
    made.add_argument("--kind", choices=[kind.value for kind in ChargerKind], required=True)
    made.add_argument(
        "--rated-w",
        type=_whole(1, MOST_RATED_W),
        required=True,
        metavar="W",
        help="what it can give at the most",
    )


def _room(rooms: _Parsers, name: str, about: str) -> _Parsers:
    made = rooms.add_parser(name, help=about, description=f"Commands for {about}.")
    return made.add_subparsers(required=True, metavar="COMMAND", title="commands")


def _command(
    room: _Parsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    configured: bool = True,
) -> argparse.ArgumentParser:
    about = " ".join((run.__doc__ or "").split())
    made: argparse.ArgumentParser = room.add_parser(
        name, help=about.partition(".")[0].partition(":")[0], description=about
    )
    if configured:
        made.add_argument(
            "-c", "--config", required=True, metavar="FILE", help="the TOML file of the service"
        )
    made.set_defaults(run=run)
    return made


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except (ConfigError, Refusal, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except (SQLAlchemyError, CommandError) as error:
        # the first line says what is wrong, the others show the statement
        print(f"the database: {str(error).partition(chr(10))[0]}", file=sys.stderr)
        return 1
    return status
