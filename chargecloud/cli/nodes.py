"""The processes that share the database: who lives, and who is to leave."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

from chargecloud.cli.opening import current, read_setup
from chargecloud.cli.parsing import command
from chargecloud.domain.errors import NotFound
from chargecloud.storage.engine import for_writing
from chargecloud.storage.roster import read_nodes
from chargecloud.storage.schema import node_slots


def node_list(arguments: argparse.Namespace) -> int:
    """Tell the nodes: number, roles, until when its lease runs, and whether it is to leave."""
    with current(read_setup(arguments)) as engine, engine.connect() as connection:
        nodes = read_nodes(connection)
    for node in nodes:
        until = datetime.fromtimestamp(node.leased_until_ms / 1000, UTC).isoformat("T", "seconds")
        late = "" if node.leased_until_ms > time.time() * 1000 else ", which is over"
        leaving = ", told to leave" if node.is_draining else ""
        print(
            f"{node.slot}: {' '.join(sorted(node.roles)) or 'a command'}; "
            f"leased until {until}{late}{leaving}"
        )
    return 0


def node_drain(arguments: argparse.Namespace) -> int:
    """Have a node leave: within some seconds it takes no more chargers, sends those that it has
    to the other nodes, gives up its work, and ends well; what watches it starts it anew."""

    def drain(connection: Connection) -> None:
        if not any(node.slot == arguments.number for node in read_nodes(connection)):
            raise NotFound(f"there is no node {arguments.number}: `chargecloud node list`")
        connection.execute(
            update(node_slots).where(node_slots.c.slot == arguments.number).values(draining=True)
        )

    with (
        current(read_setup(arguments)) as engine,
        for_writing(engine).begin() as connection,
    ):
        drain(connection)
    print(f"node {arguments.number} is told to leave")
    return 0


def node_commands(nodes: Any) -> None:
    """C{node list|drain}."""
    command(nodes, "list", node_list, example="chargecloud node list")
    made = command(nodes, "drain", node_drain, example="chargecloud node drain 3")
    made.add_argument("number", type=int, help="of the node, as `node list` tells it")
