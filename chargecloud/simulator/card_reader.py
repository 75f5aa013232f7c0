"""The card readers of a simulated charger: what the cloud is asked, and what it has said."""

from attrs import define, field, frozen

from chargecloud.domain.commands import UpdateCards
from chargecloud.simulator.memory import Memory

#: cards that a charger knows without the cloud: the newest ones, as flash is small
CARD_LIMIT = 200
#: and on its list
LIST_ROOM = 200
#: questions that wait for their answers; older ones are given up
MOST_ASKED = 40

#: what the cloud says of a card that may charge, and of one that may not; any other answer
#: says nothing about the card
_ACCEPTED = {"ok", "stopped"}
_NOT_ACCEPTED = {"unknown-card", "blocked-card", "expired-card"}


@frozen
class Presented:
    """
    A card that somebody holds to a reader.

    @ivar number: counted since the start of the charger, so that it is answered once.
    """

    number: int
    port: int
    uid: str
    uptime_s: int


@define(eq=False)
class CardReader:
    """
    @ivar memory: keeps the cards that were accepted.
    """

    memory: Memory
    _number: int = field(default=0, init=False)
    _waiting: list[Presented] = field(factory=list, init=False)
    _asked: dict[int, str] = field(factory=dict, init=False)

    def ask(self, port: int, uid: str, uptime_s: int) -> None:
        """The cloud is to be asked about a card."""
        self._number += 1
        self._waiting.append(Presented(self._number, port, uid, uptime_s))

    def take_questions(self) -> list[Presented]:
        """What is to be asked, once."""
        questions, self._waiting = self._waiting, []
        self._asked.update({each.number: each.uid for each in questions})
        for number in list(self._asked)[:-MOST_ASKED]:
            del self._asked[number]
        return questions

    def answered(self, number: int, code: str) -> None:
        """The cloud has answered about a card."""
        uid = self._asked.pop(number, None)
        cards = self.memory.cards
        if uid in cards and code in _ACCEPTED | _NOT_ACCEPTED:
            cards.remove(uid)
        if uid is not None and code in _ACCEPTED:
            cards.append(uid)
            del cards[:-CARD_LIMIT]

    def knows(self, uid: str) -> bool:
        """Whether the cloud has accepted this card before, or has it on its list."""
        return uid in self.memory.cards or uid in self.memory.listed

    def update(self, command: UpdateCards) -> str | None:
        """Make the next version of the list; the code of an objection."""
        memory = self.memory
        if command.from_version not in (0, memory.list_version):
            return "other-version"
        listed = set(memory.listed) if command.from_version else set()
        listed = (listed | set(command.add)) - set(command.remove)
        if len(listed) > LIST_ROOM:
            return "no-room"
        memory.listed, memory.list_version = sorted(listed), command.to_version
        # one that was accepted before and is taken off the list is not accepted any more
        memory.cards = [uid for uid in memory.cards if uid not in command.remove]
        return None

    def reset(self) -> None:
        """The connection has gone: nobody waits for an answer any more."""
        self._waiting, self._asked = [], {}
