"""Settlements: what is paid is split once, held where it cannot be, and called back."""

from pathlib import Path

import pytest

from tests.money.settling import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Somebody who splits."""
    return Office(tmp_path)


def test_what_is_paid_is_split_once(office: Office) -> None:
    """Among four, fen by fen; the next settlement finds nothing to do."""
    office.rule()
    office.charge()
    done = office.settle()
    assert (done["orders"], done["held"]) == (1, 0)
    # 40 fen of service: 4, 5, 2, and the rest; 60 of electricity
    wanted = {"platform_share": 4, "owner_share": 65, "agent_share": 2, "operator_share": 29}
    assert office.shares() == wanted
    assert office.settle()["orders"] == 0
    assert office.shares() == wanted


def test_a_lower_bill_is_called_back(office: Office) -> None:
    """By the version of the rule that split it, whatever the rule is now."""
    rule = office.rule()
    order = office.charge(2)
    office.settle()
    terms = office.terms | {"service": [office.party("operator", rest=True)]}
    body = {"name": "all", "valid_from": "2026-01-01", "terms": terms}
    status, after = office.world.http("PUT", f"/split-rules/{rule['id']}", body)
    assert (status, after["version"]) == (200, 2)
    adjust = {"action": "adjust", "energy_wh": 100, "reason": "the meter was wrong"}
    assert office.world.http("POST", f"/orders/{order}/resolve", adjust)[0] == 200
    # the fees are below zero until it is called back
    assert office.shares()["service_fees"] == -40
    done = office.settle()
    assert done["orders"] == 1
    wanted = {"platform_share": 4, "owner_share": 65, "agent_share": 2, "operator_share": 29}
    assert office.shares() == wanted
    (line,) = office.world.get(f"/settlements/{done['id']}/lines")["items"]
    assert line["rule_version"] == 1
    assert sum(each["amount_fen"] for each in line["changes"]) == -100


def test_an_order_without_a_rule_is_held(office: Office) -> None:
    """With its reason, and its money where it was, until there is one."""
    order = office.charge()
    done = office.settle()
    assert (done["orders"], done["held"]) == (0, 1)
    assert office.shares() == {"electricity_fees": 60, "service_fees": 40}
    held = office.world.get("/settlements/held")["items"]
    assert held == [{"order_id": order, "reason": "no-rule"}]
    greedy = office.terms | {
        "service": [office.party("owner", fixed_fen=41), office.party("operator", rest=True)]
    }
    rule = office.rule(greedy)
    office.settle()
    assert office.world.get("/settlements/held")["items"][0]["reason"] == "shares-exceed-base"
    assert office.shares() == {"electricity_fees": 60, "service_fees": 40}
    assert office.world.http("DELETE", f"/split-rules/{rule['id']}")[0] == 200
    office.rule()
    office.settle()
    assert office.world.get("/settlements/held")["items"] == []
    assert "service_fees" not in office.shares()


def test_an_order_that_is_deferred(office: Office) -> None:
    """It waits its days, and is not held."""
    office.rule(deferred_days=1)
    office.charge()
    assert office.settle()["held"] == 0
    assert office.shares() == {"electricity_fees": 60, "service_fees": 40}
    office.clock.advance(86_400)
    assert office.settle()["orders"] == 1


def test_days_and_months_are_settled_by_themselves(office: Office) -> None:
    """Each period once, also if the service was away as it ended."""
    office.rule(every="daily")
    office.charge()
    office.clock.advance(86_400)
    office.wait(10)
    # the first one was due as soon as there was a rule
    _, made = office.world.get("/settlements")["items"]
    assert (made["state"], made["every"], made["orders"]) == ("done", "daily", 1)
    office.restarted()
    office.clock.advance(3 * 86_400)
    office.wait(10)
    names = [each["name"] for each in office.world.get("/settlements")["items"]]
    assert len(set(names)) == len(names) == 3


@pytest.mark.parametrize("every", [None, "monthly", "by_hand"])
def test_a_lower_bill_is_called_back_by_itself(office: Office, every: str | None) -> None:
    """Also if the rule that the order was split by is retired, or is of another period by now."""
    rule = office.rule(every="daily")
    order = office.charge(2)
    office.clock.advance(86_400)
    office.wait(10)
    wanted = office.shares()
    assert "service_fees" not in wanted
    if every is None:
        assert office.world.http("DELETE", f"/split-rules/{rule['id']}")[0] == 200
    else:
        body = {"name": "all", "valid_from": "2026-01-01", "terms": office.terms, "every": every}
        assert office.world.http("PUT", f"/split-rules/{rule['id']}", body)[0] == 200
    adjust = {"action": "adjust", "energy_wh": 0, "reason": "it was free"}
    assert office.world.http("POST", f"/orders/{order}/resolve", adjust)[0] == 200
    office.wait(5)
    assert office.shares()["service_fees"] < 0
    # over the end of a month
    office.clock.advance(8 * 86_400)
    office.wait(15)
    assert office.shares() == {}


def test_a_payment_is_split_by_its_channel(office: Office) -> None:
    """Within its limits; what it may not give stays here, and what is called back comes back."""
    office.rule(office.terms | {"channel_fees": {"sandbox": 60}})
    payment = office.pay_for_charge(3)
    # 300 fen are paid and 200 went back; the channel keeps 1.8 fen
    assert payment["refunded_fen"] == 200
    office.settle()
    office.wait(20)
    shares = office.shares()
    # of 500 fen 30 % may go to others: to all who have an account there, in the order of their ids
    assert shares["channel_fees"] == 2
    assert shares["channel_sandbox"] == -300 + 150
    sale = office.sandbox.sale(payment["id"])
    assert sale is not None
    splits = sale.splits
    assert splits.is_finished
    assert sum(sum(each.values()) for each in splits.splits.values()) == 150
    (asked,) = office.world.get(
        f"/settlements/{office.world.get('/settlements')['items'][-1]['id']}/channel-splits"
    )["items"]
    assert (asked["state"], sum(each["amount_fen"] for each in asked["parts"])) == ("done", 150)
    adjust = {"action": "adjust", "energy_wh": 0, "reason": "it was free"}
    assert office.world.http("POST", f"/orders/{payment['order_id']}/resolve", adjust)[0] == 200
    office.settle()
    office.wait(20)
    assert {kind: fen for kind, fen in office.shares().items() if "share" in kind} == {}
    assert sum(fen for _, fen in splits.backs.values()) == 150


def test_a_split_that_nobody_answers(office: Office) -> None:
    """People are told of it after a day, once."""
    office.rule()
    office.pay_for_charge(3)
    office.sandbox.manners.questions_lost = 1_000
    office.settle()
    for _ in range(140):
        office.clock.advance(600)
    assert office.alarms("channel-split-unanswered") == []
    for _ in range(10):
        office.clock.advance(600)
    (alarm,) = office.alarms("channel-split-unanswered")
    assert (alarm.evidence["channel"], alarm.evidence["days"]) == ("sandbox", 1)


def test_electricity_is_given_back_by_the_master_meter(office: Office) -> None:
    """All that it counted, with what was lost, and no energy twice."""
    terms = office.terms | {"electricity": [office.party("operator", rest=True)]}
    terms["reimbursement"] = {
        "party_id": office.parties["owner"],
        "payer_id": office.parties["operator"],
        "price": 500_000,
    }
    office.rule(terms, site_id=office.site_id)
    path = f"/sites/{office.site_id}/meter-readings"
    office.world.make(path, {"energy_wh": 70_000})
    office.charge(2)
    office.wait(5)
    office.world.make(path, {"energy_wh": 70_215})
    office.wait(5)
    status, _ = office.world.http("POST", path, {"energy_wh": 70_200})
    assert status == 422
    (back,) = office.settle()["reimbursements"]
    assert (back["metered_wh"], back["charged_wh"], back["lost_wh"]) == (215, 200, 15)
    # 0.215 kWh at 5 yuan are 107.5 fen
    assert back["amount_fen"] == 108
    assert office.shares()["owner_share"] == 108 + 5
    assert office.settle()["reimbursements"] == []
