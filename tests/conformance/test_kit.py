"""The conformance kit: our dialects pass it, and what is broken is caught."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen

from chargecloud.conformance import test_life, test_tariff, test_wire
from chargecloud.conformance.bench import Bench
from chargecloud.domain.commands import Answer
from chargecloud.domain.errors import BadFrame, ChargerOffline
from chargecloud.domain.events import ChargeEnded, ChargeStarted, Outcome, Reply
from chargecloud.domain.tariff import BillLine, Usage
from chargecloud.interfaces import Answered, Credentials, DecodedFrame, Greeting, Told
from chargecloud.money.composed.kind import Composed
from chargecloud_dny.conversation import DnyConversation
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.simulated import SimulatedDny

CHECKOUT = Path(__file__).parents[2]


def golden(dialect: str) -> tuple[str, str]:
    """Frames of a dialect as they were seen in the field."""
    tests = CHECKOUT / "plugins" / f"chargecloud-{dialect}" / "tests"
    return "--golden", str(tests / "vectors.json")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "more"),
    [("native", ()), ("dny", golden("dny")), ("ykc", golden("ykc")), ("ocpp", ())],
    ids=["native", "dny", "ykc", "ocpp"],
)
def test_our_dialects_pass(dialect: str, more: Sequence[str], tmp_path: Path) -> None:
    """As anybody runs it, from anywhere; its report names each rule."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs",
         "chargecloud.conformance", "--dialect", dialect, *more],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert f"conformance of {dialect}" in ran.stdout
    assert "holds   an order lives from its start to its end" in ran.stdout
    assert "BROKEN" not in ran.stdout


# ------------------------------------------------------------------------------ broken dialects


@define(eq=False)
class Raises(DnyConversation):
    """Falls over what it does not know."""

    def receive(self, data: bytes) -> Any:
        """Take bytes."""
        if data and data[0] > 0x7F:
            raise KeyError(data[0])
        return super().receive(data)


@define(eq=False)
class Forgets(DnyConversation):
    """Takes each piece for a whole frame."""

    def receive(self, data: bytes) -> Any:
        """Take bytes."""
        heard = super().receive(data)
        while self._arriving.stream.is_waiting:
            self._arriving.stream.give_up()
        return heard


@define(eq=False)
class Hoards(DnyConversation):
    """Keeps all that ever came."""

    came: bytes = b""

    def receive(self, data: bytes) -> Any:
        """Take bytes."""
        self.came += data
        return super().receive(data)


@define(eq=False)
class Loses(DnyConversation):
    """Throws the good away with the bad."""

    def receive(self, data: bytes) -> Any:
        """Take bytes."""
        heard = super().receive(data)
        if data.endswith(b"\xff\x00"):
            raise BadFrame("noise")
        return heard


@define(eq=False)
class Hasty(DnyConversation):
    """Acknowledges what was not kept."""

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact."""
        super().acknowledge(identity, ticket, Reply(Outcome.KEPT))


@define(eq=False)
class Silent(DnyConversation):
    """Acknowledges nothing."""

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact."""


@define(eq=False)
class Hospitable(DnyConversation):
    """Lets everybody in."""

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Any) -> None:
        """Welcome a device."""
        super().welcome(identity, Credentials(None), greeting)


@define(eq=False)
class PutsOffNobody(DnyConversation):
    """Takes "come back later" for "come in"."""

    def postpone(self, identity: str, retry_s: int) -> None:
        """Put a device off."""
        super().welcome(identity, Credentials(None), Greeting(0, retry_s))


@define(eq=False)
class Clings(DnyConversation):
    """Knows only those who are there."""

    def dismiss(self, identity: str) -> bool:
        """Send a device away."""
        del self._devices[identity]
        return True


@define(eq=False)
class Restless(DnyConversation):
    """Has a deadline that never passes."""

    @property
    def due_s(self) -> float | None:
        """Always a while ago."""
        return self.seconds() - 5


class Changes(DnyConversation):
    """Hears something else than was said."""

    def change(self, each: Any) -> Sequence[Any]:
        """What it makes of what was heard."""
        raise NotImplementedError

    def receive(self, data: bytes) -> Any:
        """Take bytes."""
        return [made for each in super().receive(data) for made in self.change(each)]


class Twice(Changes):
    """Tells each answer twice."""

    def change(self, each: Any) -> Sequence[Any]:
        return (each, each) if isinstance(each, Answered) else (each,)


class Agreeable(Changes):
    """Takes every answer for a yes."""

    def change(self, each: Any) -> Sequence[Any]:
        if isinstance(each, Answered):
            return (Answered(each.identity, each.number, Answer(True)),)
        return (each,)


class NoStart(Changes):
    """Does not tell that a charge has begun."""

    def change(self, each: Any) -> Sequence[Any]:
        is_start = isinstance(each, Told) and isinstance(each.event, ChargeStarted)
        return () if is_start else (each,)


class OtherPort(Changes):
    """Counts ports from zero."""

    def change(self, each: Any) -> Sequence[Any]:
        if isinstance(each, Told) and isinstance(each.event, ChargeEnded):
            event = ChargeEnded(
                each.event.order_id, each.event.port - 1, 0, 1, 1, each.event.reason, None
            )
            return (Told(each.identity, event, each.ticket),)
        return (each,)


@frozen
class Broken(DnyDialect):
    """A dialect with one of these."""

    made: Callable[..., DnyConversation] = DnyConversation

    def conversation(self, record: Any = None, seconds: Any = None) -> Any:
        """A conversation."""
        return self.made(record, seconds)


class Greedy(Broken):
    """Thinks that everybody speaks it."""

    def recognises(self, first: bytes) -> bool | None:
        """Yes."""
        return True


class Credulous(Broken):
    """Decodes whatever it is given."""

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """One frame."""
        return [DecodedFrame("frame", None, {})]


def bench_of(dialect: DnyDialect) -> Callable[..., Bench]:
    """Benches of a dialect."""
    return lambda **given: Bench(dialect, SimulatedDny(), **given)


FAULT = {"hex": "444e590d00cd28a20479082263ee5c68"}
WITH_BENCH = [
    (Raises, test_wire.test_noise_after_the_login_is_borne),
    (Forgets, test_wire.test_split_or_glued_it_says_the_same),
    (Forgets, test_wire.test_damage_is_the_same_however_it_comes),
    (Hoards, test_wire.test_damage_is_the_same_however_it_comes),
    (Loses, test_wire.test_a_fault_behind_good_frames_takes_nothing_from_them),
    (Hasty, test_life.test_an_end_is_kept_until_it_is_acknowledged),
    (Silent, test_life.test_an_end_is_kept_until_it_is_acknowledged),
    (Silent, test_life.test_an_end_that_nobody_wants_is_forgotten),
    (Hospitable, test_life.test_a_stranger_is_let_in_by_nobody),
    (PutsOffNobody, test_life.test_a_charger_that_is_put_off_is_not_let_in),
    (Clings, test_life.test_a_charger_may_be_sent_away),
    (Restless, test_life.test_a_charger_that_does_not_answer_ends_nothing_else),
    (Twice, test_life.test_an_order_lives_from_its_start_to_its_end),
    (Agreeable, test_life.test_a_start_without_a_plug_is_refused),
    (NoStart, test_life.test_an_order_lives_from_its_start_to_its_end),
    (OtherPort, test_life.test_an_order_lives_from_its_start_to_its_end),
]


@pytest.mark.parametrize(
    ("made", "rule"),
    WITH_BENCH,
    ids=[f"{made.__name__}-{rule.__name__}" for made, rule in WITH_BENCH],
)
def test_what_is_broken_is_caught(made: Any, rule: Callable[..., None]) -> None:
    """The rule holds for the dialect as it is, and not with this defect."""
    rule(new_bench=bench_of(Broken()))
    # a property may fall in more than one way
    caught = (AssertionError, ValueError, KeyError, ChargerOffline, ExceptionGroup)
    with pytest.raises(caught):
        rule(new_bench=bench_of(Broken(made)))


@pytest.mark.parametrize(
    ("broken", "rule", "more"),
    [
        (Greedy(), test_wire.test_others_are_not_recognised, {}),
        (Credulous(), test_wire.test_a_golden_fault_is_found, {"invalid_frame": FAULT}),
        (Broken(Raises), test_wire.test_noise_before_the_login_is_borne, {}),
        (Broken(Hoards), test_wire.test_noise_is_not_hoarded, {}),
    ],
    ids=["greedy", "credulous", "raises", "hoards"],
)
def test_what_is_broken_without_a_charger_is_caught(
    broken: DnyDialect, rule: Callable[..., None], more: Any
) -> None:
    """The same for what needs no charger."""
    rule(dialect=DnyDialect(), **more)
    with pytest.raises(AssertionError):
        rule(dialect=broken, **more)


# ------------------------------------------------------------------------------------- tariffs


class CountsReadings(Composed):
    """Takes so much for each of them."""

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """Some for a charge that was reported often."""
        return [line for line in super().lines(terms, usage) for _ in usage.marks]


class Rewards(Composed):
    """The more is drawn, the less it costs."""

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """All of it so many times as there are kWh to ten."""
        times = max(10 - usage.energy_mwh // 1_000_000, 0)
        return [*super().lines(terms, usage)] * times


class Remembers(Composed):
    """Changes its terms at each charge."""

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """And asks for more the next time."""
        assert isinstance(terms, dict)
        terms["start_fee"]["fen"] += 1
        return super().lines(terms, usage)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (CountsReadings, test_tariff.test_a_reading_that_says_what_was_assumed_changes_nothing),
        (Rewards, test_tariff.test_more_never_costs_less),
        (Remembers, test_tariff.test_the_same_charge_has_the_same_bill_for_ever),
    ],
    ids=["counts readings", "rewards", "remembers"],
)
def test_a_wrong_tariff_is_caught(kind: type[Composed], rule: Callable[..., None]) -> None:
    """Each by the rule that it breaks, and the right one breaks none."""
    terms = {"start_fee": {"fen": 50}, "time": {"price_fen": 100, "block_s": 3600, "step_s": 60}}
    terms["time"]["electricity"] = 1_000
    rule([test_tariff.Priced(Composed(), Composed().check(terms))])
    with pytest.raises(AssertionError):
        rule([test_tariff.Priced(kind(), Composed().check(terms))])
