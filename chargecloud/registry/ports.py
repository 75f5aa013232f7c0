"""The ports of a charger, as rows that orders take and give back."""

from chargecloud.domain.decision import Change


def free_ports(charger_id: int, port_count: int, tenant_id: int) -> tuple[Change, ...]:
    """Make all ports of a charger a tenant's, provided that no order has one."""
    return tuple(
        Change(
            "ports",
            {"charger_id": charger_id, "port": port},
            {"tenant_id": tenant_id},
            {"order_id": None},
        )
        for port in range(1, port_count + 1)
    )
