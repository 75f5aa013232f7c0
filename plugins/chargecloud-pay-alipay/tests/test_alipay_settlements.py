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


def test_some_are_asked_for_at_a_time(tmp_path: Path) -> None:
    """A channel that takes its time for each question takes no longer for two orders."""
    office = AlipayOffice(tmp_path, freezes=True)
    office.rule()
    paid = [office.pay_for_charge(amount_fen=300)["id"] for _ in range(2)]
    asking = office.world.platform.shared_rounds["split at channels"]
    asking.stopService()
    office.settle()
    office.alipay.manners.late_s = 1
    asking.startService()
    office.clock.advance(5)
    # each is asked three times for receivers, and then to split
    for _ in range(3):
        office.clock.advance(1)
    assert [len(office.alipay.trades[each].splits) for each in paid] == [1] * 2
