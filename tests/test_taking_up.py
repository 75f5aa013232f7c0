"""What the platform does first, when it starts on what it left."""

from pathlib import Path

from twisted.logger import LogLevel, capturedLogs

from tests.harness import result_of
from tests.world import World

REFUSE = "CREATE TRIGGER refuse BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'no'); END"


def _say(world: World, *statements: str) -> None:
    result_of(
        world.store.writer.transact(
            lambda connection: [connection.exec_driver_sql(each) for each in statements] and None
        )
    )


def test_an_order_that_cannot_be_billed_keeps_nobody_from_starting(tmp_path: Path) -> None:
    """It is logged and left as it is, and billed by the next start that can."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 600)
    undone = "UPDATE orders SET state = 'ended', bill = NULL, amount_fen = NULL"
    _say(world, undone, "DELETE FROM postings", REFUSE)

    with capturedLogs() as log:
        after = World(tmp_path, world.clock)
    assert after.get(f"/orders/{order['id']}")["state"] == "ended"
    assert [each["order_id"] for each in log if each["log_level"] is LogLevel.critical] == [
        int(order["id"])
    ]
    _say(after, "DROP TRIGGER refuse")
    assert World(tmp_path, world.clock).get(f"/orders/{order['id']}")["state"] == "settled"
