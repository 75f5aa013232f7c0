"""A settlement through Alipay: given to parties as royalties, called back, and finished."""

from pathlib import Path

from alipay_till import AlipayTill
from tests.money.settling import Office


class AlipayOffice(Office, AlipayTill):
    """People pay by Alipay, and parties have accounts there."""

    splits_at = "alipay"


def test_a_payment_is_split_and_called_back(tmp_path: Path) -> None:
    """Of 300 fen Alipay gives 30 percent away; a lower bill calls it back, and nothing twice."""
    office = AlipayOffice(tmp_path, freezes=True)
    office.rule()
    payment = office.pay_for_charge(3, amount_fen=300)
    office.settle()
    office.wait(120)
    trade = office.alipay.trades[payment["id"]]
    assert sum(map(len, trade.splits.values())) == 2
    assert trade.is_finished
    assert office.shares()["channel_alipay"] == -300 + 90
    adjust = {"action": "adjust", "energy_wh": 0, "reason": "it was free"}
    assert office.world.http("POST", f"/orders/{payment['order_id']}/resolve", adjust)[0] == 200
    office.settle()
    office.wait(120)
    # all of it went back to the payer
    assert office.shares() == {}
    assert office.shown(payment)["refunded_fen"] == trade.back_fen == 300
