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

from chargecloud.cli.administering import (
    charger_add,
    config_check,
    db_check,
    db_upgrade,
    ledger_verify,
    plugins_list,
    tenant_create,
    tenant_list,
    token_create,
    token_list,
    token_revoke,
)
from chargecloud.cli.backup import backup_commands
from chargecloud.cli.factory import factory_commands
from chargecloud.cli.firmware import firmware_commands
from chargecloud.cli.parsing import about_chargers, command, room
from chargecloud.config import ConfigError
from chargecloud.domain.errors import Refusal
from chargecloud.registry.tokens import (
    ROLES,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chargecloud",
        description="Administer ChargeCloud.  The service itself is `twistd chargecloud`.",
        epilog="`chargecloud COMMAND --help` tells more about each.",
    )
    rooms = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    config = room(rooms, "config", "the configuration file")
    made = command(config, "check", config_check, configured=False)
    made.add_argument("file", metavar="FILE", help="the TOML file; etc/ has samples")

    command(room(rooms, "plugins", "what is installed beside the core"), "list", plugins_list)

    database = room(rooms, "db", "the database")
    command(database, "upgrade", db_upgrade)
    command(database, "check", db_check)
    backup_commands(database)

    tenants = room(rooms, "tenant", "operators that share it")
    command(tenants, "list", tenant_list)
    made = command(tenants, "create", tenant_create)
    made.add_argument("name", help="what to call it; each name once")

    tokens = room(rooms, "token", "tokens of the HTTP API")
    command(tokens, "list", token_list)
    made = command(tokens, "revoke", token_revoke)
    made.add_argument("id", type=int, help="of the token, as `token list` tells it")
    made = command(tokens, "create", token_create)
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

    made = command(room(rooms, "charger", "chargers"), "add", charger_add)
    made.add_argument("site_id", type=int, metavar="SITE", help="id of the site where it stands")
    made.add_argument("identity", help="what it calls itself on the wire")
    made.add_argument("--dialect", default="native", help="what it speaks (default: %(default)s)")
    made.add_argument("--name", help="what people call it; its identity if not given")
    about_chargers(made)

    factory_commands(room(rooms, "factory", "chargers that a factory makes"))
    firmware_commands(room(rooms, "firmware", "vendors' images of firmware"))
    command(room(rooms, "ledger", "the money"), "verify", ledger_verify)
    return parser


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
