"""People and cars that want to charge at a gun, and what a pile is told about them.

The platform makes an order for one that may, and sends its start as for any other order: here that
start is the answer to the question, and the gun starts by it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import Answer, StartCharge
from chargecloud.domain.events import Outcome, Reply
from chargecloud.interfaces import Alive, Heard, Told
from chargecloud_ykc import facts
from chargecloud_ykc.codes import BY_ACCOUNT, BY_VIN, NO_ACCOUNT, NOT_ALLOWED, REFUSALS, UNKNOWN_VIN
from chargecloud_ykc.orders import NO_LIMIT_FEN, balance_fen
from chargecloud_ykc.pile import GROUP_S, GROUP_SIZE, SEEN_S, Group, Pile, Question
from chargecloud_ykc.trades import NO_TRADE, write_trade

#: orders and groups of which is remembered whether they may start
_MOST_REMEMBERED = 16


@define(eq=False)
class Starters:
    """
    @ivar reply: answers a question with some values.
    @ivar settle: answers a command of the platform.
    """

    pile: Pile
    reply: Callable[[Question, Fields], None]
    settle: Callable[[int, Answer], None]
    now_s: float

    def ask(self, question: Question) -> Sequence[Heard]:
        """Somebody wants to charge."""
        if question.fields["mode"] == BY_ACCOUNT:
            # the platform's customers have no passwords at piles
            self._refuse(question, NO_ACCOUNT)
            return (Alive(self.pile.number),)
        self.pile.gun(question.gun).question = question
        welcomed_s, _ = self.pile.welcomed
        turn = f"{welcomed_s}-{self.pile.turn}-{self.pile.gun(question.gun).turn}"
        event = facts.card(question.fields, question.sequence, turn)
        return (Told(self.pile.number, event, question),)

    def take(self, number: int, command: StartCharge) -> bool:
        """A start of the platform: whether it belongs to a question, and needs no message."""
        gun = self.pile.gun(command.port)
        if gun.question is not None:
            gun.wanted = number, command
            return True
        verdict = gun.verdicts.pop(command.order_id, None)
        if verdict is not None:
            self.settle(number, _verdict(verdict))
        return verdict is not None

    def answer(self, question: Question, reply: Reply) -> None:
        """What the platform says to somebody who wants to charge."""
        gun = self.pile.gun(question.gun)
        if reply.outcome is Outcome.LATER:
            # the pile asks again
            if gun.question is question:
                gun.question = None
            return
        if question.message.name != "ask_parallel":
            self._decide(question, reply, _may(reply))
            return
        number = question.fields["group"]
        decided = self.pile.decided.get(number)
        if decided is not None:
            # it asks again
            self._decide(question, reply, decided and _may(reply))
            return
        group = self.pile.groups.setdefault(number, Group(self.now_s + GROUP_S))
        group.asked[question.gun] = question, reply
        if len(group.asked) >= GROUP_SIZE:
            self._decide_together(number)

    def give_up(self, now_s: float) -> None:
        """Of a group whose others have not asked, nobody starts."""
        late = [number for number, group in self.pile.groups.items() if group.due_s <= now_s]
        for number in late:
            self._decide_together(number)

    def _decide_together(self, number: str) -> None:
        asked = self.pile.groups.pop(number).asked.values()
        may = len(asked) >= GROUP_SIZE and all(_may(reply) for _, reply in asked)
        _remember(self.pile.decided, number, may)
        for question, reply in asked:
            self._decide(question, reply, may)

    def _decide(self, question: Question, reply: Reply, may: bool) -> None:
        gun = self.pile.gun(question.gun)
        if gun.question is question:
            gun.question = None
        wanted, gun.wanted = gun.wanted, None
        order_id = reply.order_id
        if may and order_id is not None:
            balance = _balance_fen(reply, wanted, gun.balances.get(order_id))
            _remember(gun.balances, order_id, balance)
            self._say(question, write_trade(order_id), balance, 1, 0)
            gun.begin(order_id, self.now_s + SEEN_S)
        else:
            reason = REFUSALS.get(reply.code, NOT_ALLOWED)
            is_vin = question.fields["mode"] == BY_VIN
            self._refuse(question, UNKNOWN_VIN if is_vin and reason == NO_ACCOUNT else reason)
        if wanted is not None:
            number, command = wanted
            self.settle(number, _verdict(may and command.order_id == order_id))
        elif order_id is not None:
            _remember(gun.verdicts, order_id, may)

    def _refuse(self, question: Question, reason: int) -> None:
        self._say(question, NO_TRADE, 0, 0, reason)

    def _say(
        self, question: Question, trade: str, balance: int, is_authorised: int, reason: int
    ) -> None:
        told: dict[str, Any] = {
            "trade": trade,
            "gun": question.gun,
            "logical_card": question.fields["card"],
            "balance_fen": balance,
            "is_authorised": is_authorised,
            "reason": reason,
        }
        if "group" in question.fields:
            told["group"] = question.fields["group"]
        self.reply(question, told)


def _may(reply: Reply) -> bool:
    return reply.outcome is Outcome.KEPT and reply.code == "ok" and reply.order_id is not None


def _verdict(may: bool) -> Answer:
    return Answer(True) if may else Answer(False, "refused")


def _balance_fen(reply: Reply, wanted: tuple[int, StartCharge] | None, before: int | None) -> int:
    """What the pile may let somebody spend: the order's own limit, which it may have been told
    before, or what the wallet has."""
    if wanted is not None:
        before = balance_fen(wanted[1])
    if before is not None:
        return before
    return min(
        NO_LIMIT_FEN, NO_LIMIT_FEN if reply.balance_fen is None else max(0, reply.balance_fen)
    )


def _remember(kept: dict[Any, Any], key: object, value: object) -> None:
    """Keep the newest few."""
    kept[key] = value
    while len(kept) > _MOST_REMEMBERED:
        del kept[next(iter(kept))]
