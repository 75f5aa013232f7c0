"""The platform's own commands to chargers, as a table: what each is given, and who may.

A dialect has words for some of them, and refuses the others; what a name is not in the
table for belongs to the charger's dialect.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    ComeBack,
    Command,
    GoTo,
    Locate,
    LockOutCharger,
    Phrase,
    Price,
    Query,
    Question,
    Reboot,
    Say,
    SetParameters,
    ShowPrices,
    ShowText,
)
from chargecloud.domain.errors import Invalid
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.parameters import read_parameters
from chargecloud.domain.units import DAY, HOUR
from chargecloud.web.converters import body_converter
from chargecloud.web.reading import body_reader

#: prices that one frame of any dialect carries
MOST_PRICES = 8


@frozen(kw_only=True)
class NoArgs:
    """C{set_time}, C{stop}, C{lock_out}: the charger and the port say it all."""


@frozen(kw_only=True)
class RebootArgs:
    """C{reboot}"""

    when_idle: bool = choice("wait until no port charges", default=True)


@frozen(kw_only=True)
class LocateArgs:
    """C{locate}"""

    for_s: int = whole("blink and beep for so long", default=30, most=HOUR)


@frozen(kw_only=True)
class QueryArgs:
    """C{query}"""

    question: Question = choice("what it is to tell")


@frozen(kw_only=True)
class LiftArgs:
    """C{lift_lock_out}"""

    fire: bool = choice("also one by fire: somebody has looked", default=False)


@frozen(kw_only=True)
class PriceArgs:
    """A price to be shown."""

    until: datetime = choice("when the next one begins; the last one holds on")
    millifen_per_kwh: int = whole("in thousandths of a fen for a kWh", most=2**32 - 1)


@frozen(kw_only=True)
class ShowPricesArgs:
    """C{show_prices}"""

    prices: tuple[PriceArgs, ...] = choice("the present one first")

    def __attrs_post_init__(self) -> None:
        if not 1 <= len(self.prices) <= MOST_PRICES:
            raise ValueError(f"must be 1 to {MOST_PRICES} prices")


@frozen(kw_only=True)
class ShowTextArgs:
    """C{show_text}"""

    text: str | None = text("words to show; none any more if not given", default=None, longest=40)
    for_s: int | None = whole("until other ones come, if not given", default=None, most=30 * DAY)


@frozen(kw_only=True)
class SayArgs:
    """C{say}"""

    phrase: Phrase | None = choice("what it has recorded", default=None)
    text: str | None = text("or words, for one that reads aloud", default=None, longest=40)

    def __attrs_post_init__(self) -> None:
        if self.phrase is None and self.text is None:
            raise ValueError("a phrase or a text is needed")


@frozen(kw_only=True)
class ComeBackArgs:
    """C{come_back}"""

    after_s: int = whole("hang up, and connect again after this and up to twice of it", most=DAY)


@frozen(kw_only=True)
class GoToArgs:
    """C{go_to}"""

    host: str = text("name or address of another platform", longest=64)
    port: int = whole("of TCP", least=1, most=65_535)
    is_tls: bool = choice("whether TLS is spoken there", default=False)
    tries: int = whole("connections without a welcome before it returns", least=1, most=100)


@frozen
class OwnCommand:
    """
    A row of the table.

    @ivar args: class of its arguments.
    @ivar make: the command, from the arguments and the port.
    @ivar permission: what it needs beyond the right to command chargers.
    """

    args: Any
    make: Callable[[Any, int | None], Command]
    permission: Callable[[Any], str | None] = lambda _args: None


def _lift_permission(args: LiftArgs) -> str | None:
    return "safety:lift" if args.fire else None


def _go_to_permission(_args: GoToArgs) -> str | None:
    return "network:redirect"


def _show_prices(args: ShowPricesArgs, _port: int | None) -> Command:
    return ShowPrices(
        tuple(Price(int(price.until.timestamp()), price.millifen_per_kwh) for price in args.prices)
    )


OWN_COMMANDS: Mapping[str, OwnCommand] = {
    "reboot": OwnCommand(RebootArgs, lambda args, _port: Reboot(args.when_idle)),
    "locate": OwnCommand(LocateArgs, lambda args, _port: Locate(args.for_s)),
    "query": OwnCommand(QueryArgs, lambda args, _port: Query(args.question)),
    "lock_out": OwnCommand(NoArgs, lambda _args, port: LockOutCharger(LockOut.OPERATOR, port)),
    "lift_lock_out": OwnCommand(
        LiftArgs,
        lambda args, port: LockOutCharger(LockOut.NONE, port, lifts_fire=args.fire),
        _lift_permission,
    ),
    "show_prices": OwnCommand(ShowPricesArgs, _show_prices),
    "show_text": OwnCommand(
        ShowTextArgs, lambda args, _port: ShowText(args.text or "", args.for_s)
    ),
    "say": OwnCommand(SayArgs, lambda args, port: Say(args.phrase, args.text, port)),
    "come_back": OwnCommand(ComeBackArgs, lambda args, _port: ComeBack(args.after_s)),
    "go_to": OwnCommand(
        GoToArgs,
        lambda args, _port: GoTo(args.host, args.port, args.is_tls, args.tries),
        _go_to_permission,
    ),
}

_CONVERTER = body_converter()
_READERS = {name: body_reader(_CONVERTER, row.args) for name, row in OWN_COMMANDS.items()}


def own_command(
    name: str, args: Mapping[str, Any], port: int | None
) -> tuple[Command, str | None] | None:
    """
    The command of that name, and the permission that it needs besides; C{None} if there is
    none of that name.

    @raise Invalid: for arguments that it does not take.
    """
    if name == "set_parameters":
        return SetParameters(read_parameters(args)), None
    row = OWN_COMMANDS.get(name)
    if row is None:
        return None
    try:
        given = _READERS[name](args)
    except Invalid as error:
        faults = error.facts.get("errors", ())
        placed = [fault | {"pointer": f"/args{fault['pointer']}"} for fault in faults]  # type: ignore[attr-defined]
        raise Invalid(error.detail, errors=placed) from error
    return row.make(given, port), row.permission(given)
