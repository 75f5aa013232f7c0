"""People who sign in: C{user create}, C{user list} and C{user disable}."""

import argparse
import sys
from getpass import getpass

from chargecloud.cli.opening import open_store, result_of
from chargecloud.cli.parsing import Parsers, command, for_whom
from chargecloud.cli.whose import tenant_of
from chargecloud.domain.errors import Invalid
from chargecloud.registry.tokens import PLATFORM, ROLES, role_of
from chargecloud.registry.users import all_users, change_user, create_user, disable_user


def user_commands(users: Parsers) -> None:
    """Declare them."""
    made = command(users, "create", user_create, example="chargecloud user create li --platform")
    made.add_argument("name", help="what they sign in with; each name once")
    for_whom(made)
    command(users, "list", user_list, example="chargecloud user list")
    made = command(
        users, "change", user_change, example="chargecloud user change li --role administrator"
    )
    made.add_argument("name", help="of the user, as `user list` tells it")
    made.add_argument("--role", choices=sorted(ROLES), help="what they may do from now on")
    made.add_argument("--password", action="store_true", help="ask for a new password")
    made.add_argument("--enable", action="store_true", help="let one sign in who was disabled")
    made = command(users, "disable", user_disable, example="chargecloud user disable li")
    made.add_argument("name", help="of the user, as `user list` tells it")


def user_create(arguments: argparse.Namespace) -> int:
    """Make a user, who signs in with a name and a password.  The password is asked for, or is
    the first line of the standard input; the database holds only a slow digest of it."""
    password = _ask_password()
    with open_store(arguments) as (store, calendar, _setup):
        tenant_id = tenant_of(store, arguments)
        made = store.writer.transact(
            lambda connection: create_user(
                connection,
                store.ids.next(),
                tenant_id,
                arguments.name,
                password,
                ROLES[arguments.role],
                calendar.now(),
            )
        )
        result_of(made)
    return 0


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise Invalid("the two are not the same")
    return password


def user_list(arguments: argparse.Namespace) -> int:
    """List the users: id, tenant, role, when they were made, when they were disabled, and
    name."""
    with open_store(arguments) as (store, _calendar, _setup):
        for user in result_of(store.read(all_users)):
            whose = "platform" if user.tenant_id == PLATFORM else str(user.tenant_id)
            until = f"{user.disabled_at:%Y-%m-%d}" if user.disabled_at else "-"
            role = role_of(user.permissions).replace(" ", "-")
            print(f"{user.id} {whose} {role} {user.created_at:%Y-%m-%d} {until} {user.name}")
    return 0


def user_change(arguments: argparse.Namespace) -> int:
    """Change a user's role or password, or let one sign in again who was disabled.  Sessions
    that run are ended."""
    password = _ask_password() if arguments.password else None
    with open_store(arguments) as (store, calendar, _setup):
        changed = store.writer.transact(
            lambda connection: change_user(
                connection,
                arguments.name,
                calendar.now(),
                password=password,
                permissions=ROLES[arguments.role] if arguments.role else None,
                enable=arguments.enable,
            )
        )
        result_of(changed)
    return 0


def user_disable(arguments: argparse.Namespace) -> int:
    """Let a user sign in no more, and end their sessions."""
    with open_store(arguments) as (store, calendar, _setup):
        disabled = store.writer.transact(
            lambda connection: disable_user(connection, arguments.name, calendar.now())
        )
        result_of(disabled)
    return 0
