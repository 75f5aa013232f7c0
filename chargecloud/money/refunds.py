"""Refunds: money that goes back the way it came."""

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain import refund as rules
from chargecloud.domain.channel import PaymentAt, RefundAt, RefundFact, RefundWord
from chargecloud.domain.decision import Stale
from chargecloud.domain.errors import (
    ChannelAway,
    ChannelRefused,
    Conflict,
    InsufficientFunds,
    NoticeRefused,
)
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.payment_value import Payment, Refund
from chargecloud.money.channels import Channels
from chargecloud.money.payment_rows import find_payment, find_refund, refund_of, refunds_of
from chargecloud.money.taking import MOST_TRIES, Taking
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import refunds
from chargecloud.storage.store import Store

#: to the first question after a refund of which the channel has told nothing
FIRST_QUERY_S = 15


@define(eq=False)
class Refunds:
    """
    @ivar seconds: Unix time.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    channels: Channels
    taking: Taking
    _log: Logger = field(factory=Logger, init=False)

    async def ask(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        payment_id: int,
        amount_fen: int | None,
        reason: str,
        by: int | None,
    ) -> Refund:
        """
        Send money back; the channel may take its time for it.

        @param amount_fen: C{None} for all that has not gone back yet.
        @param by: id of the token that asks.
        @raise NotFound: if the tenant has no such payment.
        @raise Conflict: if less than that can go back.
        @raise InsufficientFunds: if the wallet holds less.
        """
        if made := await known(self.store, request):
            return await self.get(None, made.resource_id)
        for _ in range(MOST_TRIES):
            payment = await self.store.read(
                lambda connection: find_payment(connection, tenant_id, payment_id)
            )
            wanted_fen = payment.refundable_fen if amount_fen is None else amount_fen
            step = self.prepare(payment, wanted_fen, reason, by)
            try:
                made = await once(self.store, request, step.refund.id, step.decision)
            except Stale as stale:
                if stale.table == "accounts":
                    raise InsufficientFunds(
                        f"the wallet holds less than {wanted_fen} fen", wanted_fen=wanted_fen
                    ) from None
                continue
            if not made.repeated:
                await self.send(step.payment, step.refund)
            return await self.get(None, made.resource_id)
        raise Conflict("the payment changes faster than a refund of it can be decided")

    def prepare(
        self,
        payment: Payment,
        amount_fen: int,
        reason: str,
        by: int | None = None,
        withdrawal_id: int | None = None,
    ) -> rules.Step:
        """
        A new refund, to be committed, and then to be sent.

        @raise Conflict: if less than that can go back.
        """
        return rules.ask(
            payment,
            Refund(
                id=self.store.ids.next(),
                tenant_id=payment.tenant_id,
                payment_id=payment.id,
                channel=payment.channel,
                amount_fen=amount_fen,
                reason=reason,
                by=by,
                created_at=instant_of(instant_ms(self.calendar.now())),
                due_s=int(self.seconds()) + FIRST_QUERY_S,
                withdrawal_id=withdrawal_id,
            ),
        )

    async def send(self, payment: Payment, refund: Refund) -> None:
        """Have the channel send it, once; one that does not answer is asked again later."""
        at = self._at(payment, refund)
        sent = self.channels.have_once(
            payment.channel,
            lambda asked: asked.refund(at),
            lambda asked: asked.query_refund(at),
            lambda fact: fact.word is not RefundWord.UNKNOWN,
        )
        await self._told(payment, refund, sent)

    async def look(self, payment: Payment, refund: Refund) -> None:
        """Ask the channel what became of it, and have it sent if the channel knows nothing."""
        at = self._at(payment, refund)
        asked = self.channels.ask(payment.channel, lambda asked: asked.query_refund(at))
        fact = await self._told(payment, refund, asked)
        if fact is not None and fact.word is RefundWord.UNKNOWN:
            await self.send(payment, refund)

    async def _told(
        self,
        payment: Payment,
        refund: Refund,
        telling: Awaitable[RefundFact],
    ) -> RefundFact | None:
        try:
            fact = await telling
        except ChannelAway:
            return None
        except ChannelRefused as refused:
            fact = RefundFact(
                merchant=payment.merchant,
                number=str(refund.id),
                word=RefundWord.FAILED,
                why=str(refused.facts.get("why", refused.detail))[:200],
            )
        try:
            if fact.number != str(refund.id):
                raise NoticeRefused("it was asked after another refund", "differs")
            await self.taking.refund(payment.channel, fact)
        except NoticeRefused as refused:
            # it is asked again, and is a case of the next reconciliation
            self._log.critical(
                "the channel {name} tells of refund {id} what cannot be: {why}",
                name=payment.channel,
                id=refund.id,
                why=refused.detail,
            )
            return None
        return fact

    def _at(self, payment: Payment, refund: Refund) -> RefundAt:
        return RefundAt(
            payment=PaymentAt(payment.tenant_id, payment.merchant, str(payment.id)),
            number=str(refund.id),
            amount_fen=refund.amount_fen,
            total_fen=payment.amount_fen,
            reason=refund.reason,
            notice_url=self.channels.settings.notice_url(payment.channel),
        )

    async def get(self, tenant_id: int | None, refund_id: int) -> Refund:
        """
        @raise NotFound: if the tenant has no such refund.
        """
        return await self.store.read(
            lambda connection: find_refund(connection, tenant_id, refund_id)
        )

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        payment_id: int | None = None,
    ) -> tuple[Sequence[Refund], str | None]:
        """A page of them, and the cursor of the next."""
        found = refunds_of(tenant_id)
        if payment_id is not None:
            found = found.where(refunds.c.payment_id == payment_id)

        def read(connection: Connection) -> tuple[Sequence[Refund], str | None]:
            return read_page(connection, found, refunds.c.id, refund_of, limit=limit, cursor=cursor)

        return await self.store.read(read)
