"""How commands are declared: rooms, commands in them, and their help."""

import argparse
import re
from collections.abc import Callable
from typing import Any

from chargecloud.domain.charger import ChargerKind
from chargecloud.registry.tokens import ROLES
from chargecloud.web.resources.chargers import MOST_PORTS, MOST_RATED_W

Parsers = Any  # argparse's own type for them is private


def about_chargers(made: argparse.ArgumentParser) -> None:
    """What is to be said of chargers that are alike."""
    made.add_argument("--ports", type=whole(1, MOST_PORTS), required=True, help="how many it has")
    made.add_argument("--kind", choices=[kind.value for kind in ChargerKind], required=True)
    made.add_argument(
        "--rated-w",
        type=whole(1, MOST_RATED_W),
        required=True,
        metavar="W",
        help="what it can give at the most",
    )


def for_whom(made: argparse.ArgumentParser) -> None:
    """Whose it is that is made, and what it may do."""
    whose = made.add_mutually_exclusive_group(required=True)
    whose.add_argument("--tenant", type=int, metavar="ID", help="for one tenant")
    whose.add_argument("--platform", action="store_true", help="for the whole platform")
    made.add_argument(
        "--role",
        choices=sorted(ROLES),
        default="operator",
        help="what it may do (default: %(default)s)",
    )


def room(rooms: Parsers, name: str, about: str) -> Parsers:
    """A group of commands."""
    made = rooms.add_parser(name, help=about, description=f"Commands for {about}.")
    return made.add_subparsers(required=True, metavar="COMMAND", title="commands")


def command(
    room: Parsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    example: str,
    configured: bool = True,
) -> argparse.ArgumentParser:
    """
    A command: its help is the docstring of its function.

    @param example: the command as somebody might type it; the configuration is added.
    """
    about = " ".join((run.__doc__ or "").split())
    whole_example = f"{example} -c single.toml" if configured else example
    made: argparse.ArgumentParser = room.add_parser(
        name,
        help=re.split(r"[.:,(]", about, maxsplit=1)[0].strip(),
        description=about,
        epilog=f"example: {whole_example}",
    )
    if configured:
        made.add_argument(
            "-c", "--config", required=True, metavar="FILE", help="the TOML file of the service"
        )
    made.set_defaults(run=run)
    return made


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read
