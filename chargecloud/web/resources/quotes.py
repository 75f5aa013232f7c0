"""C{/tariffs/{id}/quote}: what a described charge would cost, and when it costs the least."""

from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.tariff import Bill, Draw, Mark, Stay, StayKind, Usage
from chargecloud.domain.units import MWH_PER_WH, decimal_text
from chargecloud.money.tariffs import Tariffs
from chargecloud.registry.sites import check_time_zone
from chargecloud.routes import Call, Method, Route
from chargecloud.web.resources.bill_lines import LineShown, show_line

#: ten times the largest battery on a road
MOST_QUOTED_WH = 10_000_000
#: a megawatt and some thousand amperes: above any charger
MOST_POWER_W, MOST_CURRENT_MA = 10_000_000, 100_000_000
#: a month: a quote is made at once, and must not keep the others waiting
MOST_QUOTED = timedelta(days=31)
#: years in which every calendar and time zone is safe to reckon in
QUOTED_YEARS = range(1970, 2200)


class ChargeState(Enum):
    """What goes on in a part of a described charge."""

    CHARGING = "charging"
    PARKED = "parked"
    RESERVED = "reserved"


@frozen(kw_only=True)
class QuotedPeriod:
    """A part of a charge."""

    start: datetime = choice("when it begins")
    end: datetime = choice("when it ends")
    state: ChargeState = choice("what goes on in it")
    energy_wh: int = whole("energy that flows in it, evenly", most=MOST_QUOTED_WH)
    power_w: int | None = whole(
        "at which power; what the energy comes to if not given", default=None, most=MOST_POWER_W
    )
    current_ma: int | None = whole(
        "with which current, summed over the phases; unknown if not given",
        default=None,
        most=MOST_CURRENT_MA,
    )

    def __attrs_post_init__(self) -> None:
        if self.state is ChargeState.RESERVED and self.energy_wh:
            raise ValueError("no energy flows into what is reserved")


@frozen(kw_only=True)
class Described:
    """A charge to be priced."""

    time_zone: str = text("IANA time zone of the site", example="Asia/Shanghai")
    periods: tuple[QuotedPeriod, ...] = choice("its parts, in order and without gaps")
    ready_by: datetime | None = choice(
        "it may begin later, when it costs the least, but must be over by then", default=None
    )
    reservation_expired: bool = choice("whether nobody came for what was reserved", default=False)


@frozen(kw_only=True)
class Quote:
    """What a charge would cost."""

    amount_fen: int = whole("in fen")
    excl_vat: str = text(
        "without VAT, exactly, in yuan or the tariff's currency; our own tariffs state what the"
        " customer pays in all"
    )
    incl_vat: str = text("with VAT, exactly")
    starts_at: datetime = choice("when the charge begins; with ready_by, when that costs the least")
    lines: tuple[LineShown, ...] = choice("what it is made of")


def show_quote(bill: Bill, usage: Usage) -> Quote:
    """A bill for a charge that did not happen."""
    return Quote(
        amount_fen=bill.amount_fen,
        excl_vat=decimal_text(bill.excl_vat),
        incl_vat=decimal_text(bill.incl_vat),
        starts_at=usage.started_at,
        lines=tuple(show_line(line) for line in bill.lines),
    )


def usage_of(described: Described) -> Usage:
    """
    A described charge as a tariff sees one.

    @raise Invalid: if its parts do not follow each other, or are too long.
    """
    check_time_zone(described.time_zone)
    periods = described.periods
    if not periods:
        raise Invalid("nothing to price", errors=[_fault("", "must have a period")])
    faults = [
        _fault(f"/{index}/end", "must be after its start")
        for index, period in enumerate(periods)
        if period.end <= period.start
    ]
    faults += [
        _fault(f"/{index + 1}/start", "must be the end of the period before")
        for index, (before, after) in enumerate(pairwise(periods))
        if before.end != after.start
    ]
    faults += [
        _fault(f"/{index}/{name}", f"must be within {QUOTED_YEARS[0]} and {QUOTED_YEARS[-1]}")
        for index, period in enumerate(periods)
        for name, at in (("start", period.start), ("end", period.end))
        if at.year not in QUOTED_YEARS
    ]
    if not faults and periods[-1].end - periods[0].start > MOST_QUOTED:
        faults.append(_fault("", f"must be no longer than {MOST_QUOTED.days} days in all"))
    if faults:
        raise Invalid("the periods make no charge", errors=faults)
    marks = [Mark(periods[0].start, 0)]
    for period in periods:
        marks.append(Mark(period.end, marks[-1].meter_mwh + period.energy_wh * MWH_PER_WH))
    charged = sum(
        (each.end - each.start for each in periods if each.state is ChargeState.CHARGING),
        timedelta(),
    )
    return Usage(
        ZoneInfo(described.time_zone),
        charged // timedelta(seconds=1),
        tuple(marks),
        stays=tuple(
            Stay(each.start, each.end, StayKind(each.state.value))
            for each in periods
            if each.state is not ChargeState.CHARGING
        ),
        draws=tuple(
            Draw(each.start, each.end, each.power_w, each.current_ma)
            for each in periods
            if each.state is ChargeState.CHARGING
            and (each.power_w, each.current_ma) != (None, None)
        ),
        reservation_expired=described.reservation_expired,
    )


def _fault(place: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/periods{place}", "detail": detail}


def routes(tariffs: Tariffs) -> list[Route]:
    """The route of quotes."""

    async def quote(call: Call) -> Quote:
        usage = usage_of(call.body)
        tariff = await tariffs.get(call.caller.tenant_id, call.id("tariff_id"))
        ready_by = call.body.ready_by
        if ready_by is None:
            return show_quote(tariffs.bill(tariff, usage), usage)
        used, bill = tariffs.cheapest(tariff, usage, ready_by)
        return show_quote(bill, used)

    return [
        Route(
            method=Method.POST,
            path="/tariffs/{tariff_id}/quote",
            summary="Price a described charge, at once or when it costs the least",
            permission="tariffs:read",
            body=Described,
            answer=Quote,
            refusals=(NotFound,),
            run=quote,
            tag="tariffs",
        ),
    ]
