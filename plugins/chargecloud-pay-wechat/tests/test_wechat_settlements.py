"""A settlement through WeChat: given to parties, called back, and set free."""

from pathlib import Path
from typing import Any

from tests.money.settling import Office
from wechat_till import WeChatTill


class WeChatOffice(Office, WeChatTill):
    """People pay by WeChat, and parties have accounts there."""

    splits_at = "wechat"


def splits(office: WeChatOffice) -> list[Any]:
    """What WeChat was asked for, the oldest first."""
    made = office.world.get("/settlements")["items"]
    found = [
        each
        for settlement in made
        for each in office.world.get(f"/settlements/{settlement['id']}/channel-splits")["items"]
    ]
    return sorted(found, key=lambda each: int(each["id"]))


def test_a_payment_is_split_and_called_back(tmp_path: Path) -> None:
    """Of 300 fen WeChat gives 30 percent away; the rest is set free, and all of it goes back."""
    office = WeChatOffice(tmp_path)
    office.rule()
    payment = office.pay_for_charge(3, amount_fen=300)
    office.settle()
    office.wait(20)
    (split,) = splits(office)
    assert (split["state"], split["ended_at"]) == ("asked", None)
    office.gateway.split_ends(split["id"])
    office.wait(120)
    (split,) = splits(office)
    assert [each["amount_fen"] for each in split["parts"]] == [12, 78]
    assert split["state"] == "done"
    # what is left of it is the operator's: it was set free, under a number of its own
    assert office.gateway.splits[f"{split['id']}0".zfill(20)]["state"] == "FINISHED"
    assert office.shares()["channel_wechat"] == -300 + 90
    adjust = {"action": "adjust", "energy_wh": 0, "reason": "it was free"}
    assert office.world.http("POST", f"/orders/{payment['order_id']}/resolve", adjust)[0] == 200
    office.settle()
    office.wait(60)
    for back in office.gateway.backs.values():
        back |= {"result": "SUCCESS"}
    office.wait(300)
    # all of it went back to the payer
    assert office.shares() == {}
    assert office.shown(payment)["refunded_fen"] == 300


def test_a_part_that_wechat_refuses(tmp_path: Path) -> None:
    """Stays in the party's account, and a person is told."""
    office = WeChatOffice(tmp_path)
    office.rule()
    office.pay_for_charge(3, amount_fen=300)
    office.settle()
    office.wait(20)
    (split,) = splits(office)
    office.gateway.split_ends(split["id"], **{"am-owner": "NO_RELATION"})
    office.wait(120)
    assert office.shares()["owner_share"] == 185
    (alarm,) = office.alarms("channel-split-refused")
    assert alarm.evidence["why"] == "NO_RELATION"


def test_a_receiver_that_wechat_refuses(tmp_path: Path) -> None:
    """Keeps its own part from itself, and nobody else's from them; those that are known are not
    told again with each order."""
    office = WeChatOffice(tmp_path)
    office.rule()
    office.pay_for_charge(3, amount_fen=300)
    asking = office.world.platform.shared_rounds["split at channels"]
    asking.stopService()
    office.settle()
    office.gateway.manners.fail_with = [(403, "RULE_LIMIT")]
    asking.startService()
    office.wait(20)
    (split,) = splits(office)
    assert [(each["state"], each["why"]) for each in split["parts"]] == [
        ("failed", "RULE_LIMIT"),
        ("under_way", None),
    ]
    office.gateway.split_ends(split["id"])
    office.wait(120)
    (split,) = splits(office)
    assert (split["state"], [each["state"] for each in split["parts"]]) == (
        "done",
        ["failed", "done"],
    )
    assert office.shares()["platform_share"] == 12
    (alarm,) = office.alarms("channel-split-refused")
    assert alarm.evidence["why"] == "RULE_LIMIT"

    def told() -> int:
        return sum("receivers/add" in target for _method, target in office.gateway.asked)

    before = told()
    office.box = office.world.box(office.site_id, "EB-0002").connect()
    office.pay_for_charge(3, amount_fen=300)
    office.settle()
    office.wait(20)
    # the one that it has refused
    assert told() - before == 1
