"""A platform with orders that are paid, and parties who get parts of them."""

from pathlib import Path
from typing import Any

from tests.paying import Till
from tests.world import Box

#: 100 Wh, which are charged in ten minutes, cost 60 fen for electricity and 40 for service
DEAR = {
    "rates": {"all": {"electricity": 600_000, "service": 400_000}},
    "day": [{"from": "00:00", "rate": "all"}],
}


class Office(Till):
    """
    A till whose orders are split.

    @cvar splits_at: the channel at which parties have accounts.
    @ivar site_id: where they charge.
    @ivar parties: ids by level.
    """

    splits_at = "sandbox"

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, **more)
        self.site_id = self.world.site(DEAR)
        self.box: Box = self.world.box(self.site_id).connect()
        self.parties: dict[str, str] = {}
        self.records = 0
        for level in ("platform", "operator", "owner", "agent"):
            receivers = []
            if level != "operator":
                receiver = {"kind": "merchant", "account": f"m-{level}", "name": f"the {level}"}
                receivers = [{"channel": self.splits_at, **receiver}]
            body = {"level": level, "name": f"the {level}", "receivers": receivers}
            self.parties[level] = self.world.make("/parties", body)["id"]

    def party(self, level: str, **share: Any) -> dict[str, Any]:
        """A share of a party."""
        return {"party_id": self.parties[level], **share}

    @property
    def terms(self) -> dict[str, Any]:
        """The owner gets electricity; service goes to four."""
        return {
            "electricity": [self.party("owner", rest=True)],
            "service": [
                self.party("operator", rest=True),
                self.party("platform", basis_points=1_000),
                self.party("owner", fixed_fen=5),
                self.party("agent", basis_points=500),
            ],
        }

    def rule(self, terms: Any = None, **more: Any) -> Any:
        """Make a rule for all orders."""
        body = {"name": "all", "valid_from": "2026-01-01", "terms": terms or self.terms, **more}
        return self.world.make("/split-rules", body)

    def charge(self, times: int = 1, customer: str | None = None, fen: int = 5_000) -> str:
        """An order that is paid from a wallet; its id."""
        customer = customer or self.world.customer(fen)
        order: str = self.world.order(self.box, customer, prepaid_fen=fen)["id"]
        self.charged(int(order), times)
        return order

    def pay_for_charge(self, times: int = 1, amount_fen: int = 500) -> Any:
        """An order that is paid for in the sandbox by somebody whom nobody knows; the payment."""
        order = {"charger_id": str(self.box.id), "port": 1}
        payment = self.open(amount_fen, order=order)
        self.pay(payment)
        self.charged(int(self.shown(payment)["order_id"]), times)
        self.wait(20)
        return self.shown(payment)

    def charged(self, order_id: int, times: int) -> None:
        """An order that was placed is charged, and settled."""
        self.box.pump()
        self.records += 1
        begin = self.box.meter_mwh
        self.box.begin(self.records)
        self.records += 1
        self.world.pass_time(600 * times, self.box.heartbeat)
        self.box.meter_mwh = begin + times * 100_000
        self.box.end(self.records, order_id, begin, 600 * times)
        assert self.world.get(f"/orders/{order_id}")["state"] == "settled"

    def settle(self, **body: Any) -> Any:
        """A settlement by hand, up to its end."""
        self.wait(5)
        made = self.world.make("/settlements", body)
        self.wait(10)
        done = self.world.get(f"/settlements/{made['id']}")
        assert done["state"] == "done"
        return done

    def shares(self) -> dict[str, int]:
        """What the accounts of the split come to, by their kinds."""
        found = self.balances()
        return {
            kind: fen
            for kind, fen in found.items()
            if fen and (kind.endswith(("_share", "_fees")) or kind.startswith("channel_"))
        }
