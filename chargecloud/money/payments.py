"""Payments: opened at a channel, and looked at."""

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import asdict, define, frozen
from sqlalchemy import Connection

from chargecloud.calendar import Calendar
from chargecloud.domain import payment as rules
from chargecloud.domain.channel import Opening
from chargecloud.domain.decision import Decision, Row
from chargecloud.domain.errors import ChannelRefused, Conflict, Invalid
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.payment_value import OrderPart, Payment, PaymentState, PayMethod
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.channels import Channels
from chargecloud.money.payment_rows import find_payment, payment_of, payments_of
from chargecloud.money.settlement.parties import has_receivers
from chargecloud.money.taking import Taking
from chargecloud.registry.customers import Customer, find_customer, open_customer
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import payments
from chargecloud.storage.store import Store

#: to the first question after a payment that nobody has told of
FIRST_QUERY_S = 15
#: what a payer without a name is called
GUEST = "guest"


@frozen(kw_only=True)
class NewPayment:
    """
    A payment that somebody wants to make.

    @ivar customer_id: whose wallet it is for; C{None} for somebody whom nobody knows, who pays
        for an order.
    @ivar wish: the order, in plain values.
    """

    channel: str
    amount_fen: int
    subject: str
    method: PayMethod = PayMethod.QR
    payer: str | None = None
    client_ip: str | None = None
    return_url: str | None = None
    customer_id: int | None = None
    wish: Row | None = None


@define(eq=False)
class Payments:
    """
    @ivar seconds: Unix time.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    channels: Channels
    taking: Taking

    async def again(self, request: RequestKey | None) -> Payment | None:
        """
        The payment that an earlier sending of a request has opened, if there was one.

        @raise ChannelAway: if the channel does not answer.
        """
        made = await known(self.store, request)
        return None if made is None else await self._offered(made.resource_id)

    async def open(
        self, request: RequestKey | None, tenant_id: int | None, new: NewPayment
    ) -> Payment:
        """
        Open a payment: write it down, and have the channel take it.

        @param tenant_id: whose it is; for that of a customer, C{None} is any.
        @raise NotFound: if the customer is not the tenant's.
        @raise Invalid: if there is no such channel, or it cannot be paid so.
        @raise ChannelAway: if the channel does not answer; the same request may be sent again.
        """
        if new.customer_id is not None:
            wanted = new.customer_id
            owner = await self.store.read(
                lambda connection: find_customer(connection, tenant_id, wanted)
            )
            tenant_id = owner.tenant_id
        assert tenant_id is not None, "what is for an order is of its charger's tenant"
        payment = self._payment(tenant_id, self._merchant(tenant_id, new), new)
        decision = rules.open_payment(payment)
        if payment.is_guest:
            guest = Customer(
                id=payment.customer_id,
                tenant_id=tenant_id,
                name=GUEST,
                created_at=payment.created_at,
                is_guest=True,
            )
            decision = open_customer(guest) + decision
        made = await once(self.store, request, payment.id, decision)
        return await self._offered(made.resource_id)

    async def get(self, tenant_id: int | None, payment_id: int) -> Payment:
        """
        @raise NotFound: if the tenant has no such payment.
        """
        return await self.store.read(
            lambda connection: find_payment(connection, tenant_id, payment_id)
        )

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        state: PaymentState | None = None,
        customer_id: int | None = None,
        order_id: int | None = None,
    ) -> tuple[Sequence[Payment], str | None]:
        """A page of them, and the cursor of the next."""
        found = payments_of(tenant_id)
        if state is not None:
            found = found.where(payments.c.state == state.value)
        if customer_id is not None:
            found = found.where(payments.c.customer_id == customer_id)
        if order_id is not None:
            found = found.where(payments.c.order_id == order_id)

        def read(connection: Connection) -> tuple[Sequence[Payment], str | None]:
            return read_page(
                connection, found, payments.c.id, payment_of, limit=limit, cursor=cursor
            )

        return await self.store.read(read)

    # --------------------------------------------------------------------------- the parts

    def _merchant(self, tenant_id: int, new: NewPayment) -> str:
        channel = self.channels.find(new.channel)
        what = ""
        merchant = channel.merchant(tenant_id)
        if new.method not in channel.methods:
            what, pointer = f"is none of {new.channel}'s ways to pay", "/method"
        elif (new.payer is None) is (new.method is PayMethod.IN_APP):
            what, pointer = "is needed in the channel's app, and nowhere else", "/payer"
        elif merchant is None:
            what, pointer = "has no account for this tenant", "/channel"
        if what or merchant is None:
            raise Invalid(f"{pointer[1:]} {what}", errors=[{"pointer": pointer, "detail": what}])
        return merchant

    def _payment(self, tenant_id: int, merchant: str, new: NewPayment) -> Payment:
        now_s = int(self.seconds())
        is_guest = new.customer_id is None
        created_at: datetime = instant_of(instant_ms(self.calendar.now()))
        return Payment(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            channel=new.channel,
            merchant=merchant,
            customer_id=self.store.ids.next() if new.customer_id is None else new.customer_id,
            is_guest=is_guest,
            method=new.method,
            payer=new.payer,
            client_ip=new.client_ip,
            return_url=new.return_url,
            amount_fen=new.amount_fen,
            subject=new.subject,
            created_at=created_at,
            expires_s=now_s + self.channels.settings.expire_s,
            wish=new.wish,
            order_part=None if new.wish is None else OrderPart.WANTED,
            due_s=now_s + FIRST_QUERY_S,
        )

    async def _splits(self, payment: Payment) -> bool:
        """Whether its channel may have to give parts of it to others: of one for an order."""
        if payment.wish is None or not ISplittingChannel.providedBy(
            self.channels.channels.get(payment.channel)
        ):
            return False
        return await self.store.read(
            lambda connection: has_receivers(connection, payment.tenant_id, payment.channel)
        )

    async def _offered(self, payment_id: int) -> Payment:
        """A payment whose channel has answered, asked again if it has not yet."""
        payment = await self.get(None, payment_id)
        is_over = payment.expires_s <= self.seconds()
        if payment.state is not PaymentState.OPENED or payment.to_pay is not None or is_over:
            return payment
        opening = Opening(
            tenant_id=payment.tenant_id,
            merchant=payment.merchant,
            number=str(payment.id),
            method=payment.method,
            amount_fen=payment.amount_fen,
            subject=payment.subject,
            expires_s=payment.expires_s,
            notice_url=self.channels.settings.notice_url(payment.channel),
            payer=payment.payer,
            client_ip=payment.client_ip,
            return_url=payment.return_url,
            splits=await self._splits(payment),
        )
        answer: rules.Offered | rules.NotTaken
        try:
            to_pay = await self.channels.have(payment.channel, lambda asked: asked.open(opening))
            answer = rules.Offered({**asdict(to_pay), "values": dict(to_pay.values)})
        except ChannelRefused as refused:
            answer = rules.NotTaken(str(refused.facts.get("why", refused.detail))[:200])

        def decide(before: Payment) -> rules.Step:
            try:
                return rules.decide(before, answer)
            except Conflict:
                # it was paid, or closed, before the channel had answered
                return rules.Step(before, Decision())

        _before, after = await self.taking.advance(payment_id, decide)
        return after
