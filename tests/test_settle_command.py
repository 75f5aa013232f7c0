"""C{chargecloud settle}: beside the service, with a bar, and again where it was."""

from pathlib import Path

import pytest

from chargecloud.cli import main
from chargecloud.cli.settling import bar
from chargecloud.money.settlement.rules import Every
from chargecloud.money.settlement.value import Settlement
from tests.harness import NOW
from tests.money.settling import Office
from tests.test_cli import revisions


@pytest.mark.sqlite
def test_orders_are_split_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits is split, and counted; a second time nothing is left."""
    office = Office(tmp_path, migrations=revisions())
    office.rule()
    office.charge()
    office.wait(10)
    config = tmp_path / "node.toml"
    config.write_text(f'[node]\ndata_dir = "{tmp_path}"\n')
    (tenant,) = {each["tenant_id"] for each in office.world.get("/parties")["items"]}
    words = ["settle", "--tenant", tenant, "--config", str(config)]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "1 orders are split, 0 are held" in told.out
    assert "100% 1 of 1 orders" in told.err
    assert office.shares()["owner_share"] == 65
    settlement = office.world.get("/settlements")["items"][-1]
    again = ["settle", "--resume", settlement["id"], "--config", str(config)]
    assert main(again) == 0
    assert main(words) == 0
    assert office.shares()["owner_share"] == 65


def test_a_bar() -> None:
    """How far it is, how many, and how long it takes still."""
    settlement = Settlement(
        id=1,
        tenant_id=1,
        every=Every.HAND,
        until_at=NOW,
        name="1",
        created_at=NOW,
        expected=4_000,
        seen=1_000,
        totals={},
    )
    assert bar(settlement, 0.25, 30.4) == (
        "[##########..............................]  25% 1,000 of 4,000 orders, 30 s left "
    )
