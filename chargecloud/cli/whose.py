"""Whose something is that is made at the command line."""

import argparse

from chargecloud.cli.opening import result_of
from chargecloud.domain.errors import NotFound
from chargecloud.registry.tenants import all_tenants
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.store import Store


def tenant_of(store: Store, arguments: argparse.Namespace) -> int:
    """
    The tenant that was named, or the platform itself.

    @raise NotFound: if there is no such tenant.
    """
    tenant_id: int = PLATFORM if arguments.tenant is None else arguments.tenant
    known = {tenant.id for tenant in result_of(store.read(all_tenants))}
    if tenant_id != PLATFORM and tenant_id not in known:
        raise NotFound(f"there is no tenant {tenant_id}")
    return tenant_id
