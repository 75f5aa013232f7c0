"""What is said of orders over HTTP, and how."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.charging.history import CreditNote
from chargecloud.domain.errors import NotFound
from chargecloud.domain.events import StopReason
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.order_value import Abnormality, Order, OrderState, Origin
from chargecloud.domain.saving import saved
from chargecloud.domain.tariff import MOST_OF_A_LINE, Fee
from chargecloud.domain.units import DAY, decimal_text, wh
from chargecloud.routes import Id, Paging
from chargecloud.web.resources.bill_lines import BillRemarkShown, LineShown, show_line

#: ten times the largest battery on a road; every dialect's fields hold it
MOST_ENERGY_WH = 10_000_000
#: a month: who parks for longer is no customer; every dialect's fields hold it
MOST_DURATION_S = 30 * DAY


@frozen(kw_only=True)
class Limit:
    """When a charge is to end by itself, whatever comes first."""

    energy_wh: int | None = whole(
        "after this much energy", default=None, least=1, most=MOST_ENERGY_WH
    )
    duration_s: int | None = whole("after this long", default=None, least=1, most=MOST_DURATION_S)
    amount_fen: int | None = whole("before it costs more than this", default=None, least=1)
    until_full: bool = choice("when the battery is full", default=True)


@frozen(kw_only=True)
class OtherLimit:
    """Other limits for a charge; what is not given stays as it is."""

    energy_wh: int | None = whole(
        "after this much energy in all", default=None, least=1, most=MOST_ENERGY_WH
    )
    duration_s: int | None = whole(
        "after this long in all", default=None, least=1, most=MOST_DURATION_S
    )
    amount_fen: int | None = whole("before it costs more than this", default=None, least=1)
    until_full: bool | None = choice("when the battery is full", default=None)


@frozen(kw_only=True)
class NewOrder:
    """A charge that somebody wants."""

    charger_id: Id = choice("at which charger")
    port: int = whole("at which port", least=1, most=64, example=3)
    customer_id: Id | None = choice("whose wallet pays", default=None)
    tariff_id: Id | None = choice("at which price; the site's if not given", default=None)
    prepaid_fen: int | None = whole("to hold, and to spend at the most", default=None, least=1)
    limit: Limit = choice("when to end", default=Limit())
    ready_by: datetime | None = choice(
        "it may begin later, when it costs the least, but must be over by then; limit.duration_s"
        " says how long it takes",
        default=None,
    )
    coupon: str | None = text("the code of a coupon", default=None, longest=40)
    month_card_id: Id | None = choice(
        "a month card of the customer that covers it; without prepaid_fen it ends when the card"
        " covers no more of the day",
        default=None,
    )

    def __attrs_post_init__(self) -> None:
        if self.prepaid_fen is not None and self.customer_id is None:
            raise ValueError("prepaid_fen needs a customer_id: it is held in a wallet")


@frozen(kw_only=True)
class SavedShown:
    """An estimate of the energy that a cut-off saved."""

    energy_wh: int = whole("the estimate, rounded")
    least_wh: int = whole("of its range")
    most_wh: int = whole("of its range")
    assumption: str = text("what it rests on")


@frozen(kw_only=True)
class OrderShown:
    """A charge, from the request to the bill."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose charger it is at")
    site_id: Id = choice("where")
    charger_id: Id = choice("at which charger")
    port: int = whole("at which port")
    customer_id: Id | None = choice("who pays")
    card_uid: str | None = text("the card that it was begun with")
    origin: Origin = choice("how it came to be")
    tariff_id: Id = choice("at which price")
    tariff_version: int = whole("in which version of it")
    state: OrderState = choice("where it is in its life")
    energy_wh: int = whole("energy so far, rounded")
    energy_mwh: int = whole("energy so far, exactly")
    held_fen: int = whole("money that is held for it at the moment")
    amount_fen: int | None = whole("what it cost; null until it is settled")
    electricity_fen: int | None = whole("of which for electricity")
    service_fen: int | None = whole("of which for service")
    start_meter_wh: int | None = whole("the port's register at the start, rounded")
    end_meter_wh: int | None = whole("the port's register at the end, rounded")
    charged_s: int | None = whole("seconds of charging; null until it has ended")
    suspended_s: int = whole("seconds that it was suspended, until it was last resumed")
    stop_reason: str | None = text("why it ended")
    failure: str | None = text("why it failed, is held, or costs nothing")
    basis: str | None = text("the rule that its figures were taken by, if not the charger's word")
    evidence: Mapping[str, Any] | None = choice("what speaks against its figures")
    abnormal: Abnormality | None = choice("what is odd about it, as long as it runs")
    saved: SavedShown | None = choice("what its cut-off saved, if its battery was full")
    limit: Limit = choice("when it is to end by itself")
    created_at: datetime = choice("when it was placed")
    start_at: datetime | None = choice("when its start is sent, if it was to be ready in time")
    ready_by: datetime | None = choice("when it is to be over")
    coupon: str | None = text("the code of the coupon that it uses")
    month_card_id: Id | None = choice("the month card that covers it")
    started_at: datetime | None = choice("when the charger began")
    ended_at: datetime | None = choice("when the charger ended, or the order failed")
    settled_at: datetime | None = choice("when it was billed and paid")


@frozen(kw_only=True)
class CreditNoteShown:
    """A bill that was credited whole, because another was made in its place."""

    number: str = text("its number")
    bill_number: str = text("of the bill that it credits")
    at: datetime = choice("when")
    by: Id = choice("id of the token of the person who decided it")
    reason: str = text("why", longest=400)
    amount_fen: int = whole("what it gives back: below zero", least=-MOST_OF_A_LINE, most=0)
    lines: tuple[LineShown, ...] = choice("those of the bill that it credits")


@frozen(kw_only=True)
class BillShown:
    """What makes the amount."""

    number: str = text("its number: the order's id, and which bill of the order it is")
    order_id: Id = choice("of which order")
    tariff_id: Id = choice("by which tariff")
    tariff_version: int = whole("in which version of it")
    made_by: str | None = text("the plugin that priced it, with its version")
    amount_fen: int = whole("what it cost")
    excl_vat: str = text("without VAT, exactly; the same where prices are what is paid in all")
    incl_vat: str = text("with VAT, exactly")
    electricity_fen: int = whole("of which for electricity")
    service_fen: int = whole("of which for service")
    energy_mwh: int = whole("the energy that was metered")
    charged_s: int = whole("seconds of charging")
    lines: tuple[LineShown, ...] = choice("they sum to the amount")
    remarks: tuple[BillRemarkShown, ...] = choice("what is to be known of how it was made")
    credit_notes: tuple[CreditNoteShown, ...] = choice("of the bills before it, oldest first")


@frozen(kw_only=True)
class OrderQuery(Paging):
    """Which orders."""

    state: OrderState | None = choice("in this state", default=None)
    charger_id: Id | None = choice("at this charger", default=None)
    customer_id: Id | None = choice("of this customer", default=None)
    site_id: Id | None = choice("at this site", default=None)
    port: int | None = whole("at this port", default=None, least=1)
    stop_reason: StopReason | None = choice("that ended for this reason", default=None)
    origin: Origin | None = choice("that came to be in this way", default=None)
    abnormal: bool | None = choice(
        "that run and that something is odd about; or all others", default=None
    )
    tenant_id: Id | None = choice("of this tenant; only the platform names one", default=None)
    from_: datetime | None = choice("placed at this instant or later", default=None)
    to: datetime | None = choice("placed before this instant", default=None)
    newest_first: bool = choice("from the newest back", default=False)


def show(order: Order) -> OrderShown:
    """An order as it is answered."""
    bill = order.bill
    return OrderShown(
        id=order.id,
        tenant_id=order.tenant_id,
        site_id=order.site_id,
        charger_id=order.charger_id,
        port=order.port,
        customer_id=order.customer_id,
        tariff_id=order.tariff_id,
        tariff_version=order.tariff_version,
        card_uid=order.card_uid,
        origin=order.origin,
        state=order.state,
        energy_wh=wh(order.energy_mwh),
        energy_mwh=order.energy_mwh,
        held_fen=order.held_fen,
        amount_fen=bill.amount_fen if bill else None,
        electricity_fen=bill.fee_fen(Fee.ELECTRICITY) if bill else None,
        service_fen=bill.fee_fen(Fee.SERVICE) if bill else None,
        start_meter_wh=_wh(order.start_meter_mwh),
        end_meter_wh=_wh(order.end_meter_mwh),
        charged_s=order.charged_s,
        stop_reason=order.stop_reason.value if order.stop_reason else None,
        failure=order.failure,
        basis=order.basis,
        evidence=order.evidence,
        abnormal=order.abnormal,
        saved=show_saved(order),
        suspended_s=order.suspended_s,
        limit=Limit(
            energy_wh=_wh(order.limit_energy_mwh),
            duration_s=order.limit_duration_s,
            amount_fen=order.limit_amount_fen,
            until_full=order.until_full,
        ),
        created_at=order.created_at,
        start_at=order.start_at,
        ready_by=order.ready_by,
        coupon=order.coupon.code if order.coupon else None,
        month_card_id=order.month_card.id if order.month_card else None,
        started_at=order.started_at,
        ended_at=order.ended_at,
        settled_at=order.settled_at,
    )


def show_saved(order: Order) -> SavedShown | None:
    """What the cut-off of an order saved; C{None} if it was not cut off, or nobody knows."""
    if order.float_dw is None or order.ended_at is None:
        return None
    unplugged_at = order.unplugged_at
    stayed_s = None if unplugged_at is None else order.would_have_floated_s(unplugged_at)
    estimate = saved(order.float_dw, stayed_s)
    return SavedShown(
        energy_wh=wh(estimate.energy_mwh),
        least_wh=wh(estimate.least_mwh),
        most_wh=wh(estimate.most_mwh),
        assumption=estimate.assumption,
    )


def show_bill(order: Order, credited: Sequence[CreditNote] = ()) -> BillShown:
    """
    The bill of an order.

    @raise NotFound: if it has none yet.
    """
    bill = order.bill
    if bill is None or order.charged_s is None:
        raise NotFound(f"there is no bill: the order is {order.state.value}")
    return BillShown(
        number=_bill_number(order, len(credited) + 1),
        order_id=order.id,
        tariff_id=bill.tariff_id,
        tariff_version=bill.tariff_version,
        made_by=bill.made_by,
        amount_fen=bill.amount_fen,
        excl_vat=decimal_text(bill.excl_vat),
        incl_vat=decimal_text(bill.incl_vat),
        electricity_fen=bill.fee_fen(Fee.ELECTRICITY),
        service_fen=bill.fee_fen(Fee.SERVICE),
        energy_mwh=order.energy_mwh,
        charged_s=order.charged_s,
        lines=tuple(show_line(line) for line in bill.lines),
        remarks=tuple(BillRemarkShown(code=each.code, words=each.words) for each in bill.remarks),
        credit_notes=tuple(
            [
                CreditNoteShown(
                    number=f"{_bill_number(order, note.number)}-C",
                    bill_number=_bill_number(order, note.number),
                    at=note.at,
                    by=note.by,
                    reason=note.why,
                    amount_fen=-note.bill.amount_fen,
                    lines=tuple(show_line(line) for line in note.bill.lines),
                )
                for note in credited
            ]
        ),
    )


def _bill_number(order: Order, number: int) -> str:
    return f"{order.id}-{number}"


def _wh(energy_mwh: int | None) -> int | None:
    return None if energy_mwh is None else wh(energy_mwh)
