"""What parties are to have of what charges have paid, reckoned once more, and what they have.

The rule is written down here a second time, in fractions and without anything of the platform's: it
would be no proof that the platform agrees with itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import floor
from typing import Any

from attrs import define, field, frozen

from tests.live import Live

#: what a channel takes of what is paid from wallets, and what three of the parties get
_CHANNEL = Fraction(60, 10_000)
_POINTS = (3_333, 1_111, 777)
_LEVELS = ("platform", "operator", "owner", "agent")

#: whose, C{None} is the channel
Whose = int | None


def rounded(whole_fen: int, exact: Sequence[Fraction]) -> list[int]:
    """Parts in whole fen that sum to the whole: by the largest remainder, then the earlier."""
    parts = [floor(each) for each in exact]
    by_rest = sorted(range(len(exact)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_rest[: whole_fen - sum(parts)]:
        parts[place] += 1
    return parts


@frozen
class FourParties:
    """A rule for four: three get a percentage of each fee, the platform the rest."""

    platform: int
    operator: int
    owner: int
    agent: int

    @property
    def parties(self) -> tuple[int, ...]:
        """In the order of L{_LEVELS}."""
        return (self.platform, self.operator, self.owner, self.agent)

    @property
    def terms(self) -> dict[str, Any]:
        """As the API takes them."""
        shares: list[Any] = [{"party_id": str(self.platform), "rest": True}]
        shares += [
            {"party_id": str(party), "basis_points": points}
            for party, points in zip(self.parties[1:], _POINTS, strict=True)
        ]
        fees = {"wallet": int(_CHANNEL * 10_000)}
        return {"electricity": shares, "service": shares, "channel_fees": fees}

    def split(self, *paid: int) -> Counter[Whose]:
        """What each gets of an order that has paid so much of its two fees."""
        found: Counter[Whose] = Counter()
        whole_fen = sum(paid)
        if not whole_fen:
            return found
        taken_fen = floor(whole_fen * _CHANNEL + Fraction(1, 2))
        taken = rounded(taken_fen, [Fraction(taken_fen * fen, whole_fen) for fen in paid])
        for fen, off in zip(paid, taken, strict=True):
            base_fen = fen - off
            given = [Fraction(base_fen * points, 10_000) for points in _POINTS]
            exact: dict[int, Fraction] = {self.platform: base_fen - sum(given, Fraction())}
            exact |= dict(zip(self.parties[1:], given, strict=True))
            # of equal remainders the party that was made known first
            order = sorted(exact)
            parts = rounded(base_fen, [exact[party] for party in order])
            found.update(dict(zip(order, parts, strict=True)))
        found[None] += taken_fen
        return found


@define(eq=False)
class Shares:
    """
    What all settlements have made of all orders.

    @ivar of_orders: what each party has of an order by its lines, by the order's id.
    @ivar of_parties: what each party has of all of them.
    @ivar held: orders that could not be split, with the reason.
    @ivar called_back: in how many lines somebody lost something.
    """

    live: Live
    rule: FourParties
    settlements: list[Any] = field(factory=list)
    orders: dict[str, Any] = field(factory=dict)
    held: dict[str, str] = field(factory=dict)
    of_orders: dict[str, Counter[Whose]] = field(factory=dict)
    of_parties: Counter[Whose] = field(factory=Counter)
    called_back: int = 0
    _made: str | None = None

    def are_settled(self) -> bool:
        """Settle what waits, and look whether the last settlement found nothing to do."""
        self.settlements = self.live.all("/settlements")
        if any(each["state"] != "done" for each in self.settlements):
            return False
        made = [each for each in self.settlements if each["id"] == self._made]
        self._read()
        if made and made[0]["expected"] == len(self.held):
            return True
        self._made = self.live.ask("POST", "/settlements", {})["id"]
        return False

    def has_any(self) -> bool:
        """The same while charges go on: whether anything is split."""
        return self.are_settled() or bool(self.of_orders)

    def _read(self) -> None:
        self.orders = {each["id"]: each for each in self.live.all("/orders?state=settled")}
        self.held = {
            each["order_id"]: each["reason"] for each in self.live.all("/settlements/held")
        }
        self.of_orders, self.of_parties, self.called_back = {}, Counter(), 0
        for settlement in self.settlements:
            for line in self.live.all(f"/settlements/{settlement['id']}/lines"):
                changes = Counter(dict(_amounts(line["changes"])))
                self.of_orders.setdefault(line["order_id"], Counter()).update(changes)
                self.of_parties.update(changes)
                self.called_back += any(fen < 0 for fen in changes.values())

    def wrong_orders(self) -> list[str]:
        """Orders that are not split as the rule says."""
        return [
            f"order {order_id}: {dict(has)}, and was to be {dict(wanted)}"
            for order_id, order in self.orders.items()
            if order_id not in self.held
            # counters are the same where what one lacks is nothing in the other
            and (has := self.of_orders.get(order_id, Counter()))
            != (wanted := self.rule.split(order["electricity_fen"], order["service_fen"]))
        ]

    def wrong_accounts(self) -> list[str]:
        """Accounts that do not have what the lines come to."""
        balances = Counter(
            {each["account"]: each["balance_fen"] for each in self.live.all("/ledger/accounts")}
        )
        # of each level there is one party
        wanted = {
            f"{level}_share": self.of_parties[party]
            for level, party in zip(_LEVELS, self.rule.parties, strict=True)
        }
        wanted["channel_fees"] = self.of_parties[None]
        paid_fen = sum(each["amount_fen"] for each in self.orders.values())
        left_fen = balances["electricity_fees"] + balances["service_fees"]
        found = [
            f"{account}: {balances[account]} fen, and was to have {fen}"
            for account, fen in wanted.items()
            if balances[account] != fen
        ]
        if left_fen != paid_fen - self.of_parties.total():
            found.append(f"{left_fen} fen of fees are left of {paid_fen}")
        return found


def _amounts(parts: Iterable[Any]) -> Iterator[tuple[Whose, int]]:
    for part in parts:
        party = part["party_id"]
        yield None if party is None else int(party), part["amount_fen"]
