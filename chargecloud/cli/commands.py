"""C{chargecloud}: what a sysadmin does from the shell.

Each command is a function of the parsed arguments that returns the exit status; its
docstring is its help.  Those that touch the database find it by the configuration file,
and may run beside the service.
"""

import argparse
import sys
from collections.abc import Sequence

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from chargecloud import __version__
from chargecloud.cli.administering import (
    charger_add,
    config_check,
    db_check,
    db_upgrade,
    tenant_create,
    tenant_list,
    token_create,
    token_list,
    token_revoke,
)
from chargecloud.cli.backup import backup_commands
from chargecloud.cli.factory import factory_commands
from chargecloud.cli.firmware import firmware_commands
from chargecloud.cli.ledger import ledger_commands
from chargecloud.cli.nodes import node_commands
from chargecloud.cli.parsing import about_chargers, command, for_whom, room
from chargecloud.cli.plugins import plugin_commands
from chargecloud.cli.settling import settle_command
from chargecloud.cli.tailing import tail_commands
from chargecloud.cli.users import user_commands
from chargecloud.cli.wire import wire_commands
from chargecloud.config import ConfigError
from chargecloud.domain.errors import Refusal
from chargecloud.plugins import PluginError
from chargecloud.registry.vault import WrongMasterKey
from chargecloud.storage.migrate import NewerDatabase

FIRST_STEPS = """\
`chargecloud COMMAND --help` tells more about each.  To begin with a new node:

  chargecloud config check single.toml
  chargecloud db upgrade -c single.toml
  chargecloud token create till --platform --role administrator -c single.toml
  twistd chargecloud --config single.toml

and open http://127.0.0.1:8080/docs.  To look at what went wrong at a charger, save
GET /api/v1/chargers/ID/frames and give it to `chargecloud replay`."""


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    whole = argparse.ArgumentParser(
        prog="chargecloud",
        description="Administer ChargeCloud.  The service itself is `twistd chargecloud`.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=FIRST_STEPS,
    )
    whole.add_argument("--version", action="version", version=f"ChargeCloud {__version__}")
    rooms = whole.add_subparsers(required=True, metavar="COMMAND", title="commands")

    config = room(rooms, "config", "the configuration file")
    made = command(
        config,
        "check",
        config_check,
        example="chargecloud config check etc/single.toml",
        configured=False,
    )
    made.add_argument("file", metavar="FILE", help="the TOML file; etc/ has samples")

    plugin_commands(rooms)

    database = room(rooms, "db", "the database")
    command(database, "upgrade", db_upgrade, example="chargecloud db upgrade")
    command(database, "check", db_check, example="chargecloud db check")
    backup_commands(database)

    tenants = room(rooms, "tenant", "operators that share it")
    command(tenants, "list", tenant_list, example="chargecloud tenant list")
    made = command(tenants, "create", tenant_create, example="chargecloud tenant create Campus")
    made.add_argument("name", help="what to call it; each name once")

    tokens = room(rooms, "token", "tokens of the HTTP API")
    command(tokens, "list", token_list, example="chargecloud token list")
    made = command(
        tokens, "revoke", token_revoke, example="chargecloud token revoke 383059073433604099"
    )
    made.add_argument("id", type=int, help="of the token, as `token list` tells it")
    made = command(
        tokens,
        "create",
        token_create,
        example="chargecloud token create till --platform --role viewer",
    )
    made.add_argument("name", help="what it is for")
    for_whom(made)

    user_commands(room(rooms, "user", "people who sign in"))

    made = command(
        room(rooms, "charger", "chargers"),
        "add",
        charger_add,
        example="chargecloud charger add 3830590 EB10-0001 --ports 10 --kind ebike --rated-w 5500",
    )
    made.add_argument("site_id", type=int, metavar="SITE", help="id of the site where it stands")
    made.add_argument("identity", help="what it calls itself on the wire")
    made.add_argument("--dialect", default="native", help="what it speaks (default: %(default)s)")
    made.add_argument("--name", help="what people call it; its identity if not given")
    about_chargers(made)

    factory_commands(room(rooms, "factory", "chargers that a factory makes"))
    firmware_commands(room(rooms, "firmware", "vendors' images of firmware"))
    node_commands(room(rooms, "node", "processes that share the database"))
    ledger_commands(room(rooms, "ledger", "the money"))
    settle_command(rooms)
    wire_commands(rooms)
    tail_commands(rooms)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except (ConfigError, NewerDatabase, PluginError, Refusal, WrongMasterKey, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except (SQLAlchemyError, CommandError) as error:
        # the first line says what is wrong, the others show the statement
        print(f"the database: {str(error).partition(chr(10))[0]}", file=sys.stderr)
        return 1
    return status
