"""Apps at Alipay, and whose payments go through which."""

from collections.abc import Sequence

from attrs import frozen

from chargecloud.domain.errors import ChannelAway
from chargecloud_pay_alipay.keys import Keys


@frozen
class Account:
    """
    An app, and the merchant whose money it is.

    @ivar tenants: who is paid through it; C{None}: all that no other account has.
    @ivar freezes: whether what may be split is frozen as it is paid.
    """

    app_id: str
    seller_id: str
    keys: Keys
    tenants: frozenset[int] | None = None
    freezes: bool = False


@frozen
class Accounts:
    """All that are configured; one that nobody is paid through any more still has its payments."""

    accounts: Sequence[Account]

    def of_tenant(self, tenant_id: int) -> Account | None:
        """The one that a tenant's new payments go through."""
        named = [each for each in self.accounts if tenant_id in (each.tenants or ())]
        common = [each for each in self.accounts if each.tenants is None]
        return next(iter(named + common), None)

    def of_seller(self, seller_id: str) -> Account:
        """
        The one that a payment went through.

        @raise ChannelAway: if it is not configured any more: somebody may put it back.
        """
        for each in self.accounts:
            if each.seller_id == seller_id:
                return each
        raise ChannelAway(f"no account of {seller_id} is configured")

    def of_app(self, app_id: str | None) -> Account | None:
        """The one that a notice says it is for."""
        return next((each for each in self.accounts if each.app_id == app_id), None)
