"""Remarks that several kinds of tariff make."""

from chargecloud.domain.tariff import Remark

#: Notice 537/2024 of the NDRC and SAMR on charging of electric bicycles
BY_ENERGY_IS_DUE = Remark(
    "metering-by-energy-is-due",
    "time decides what is paid: notice 537/2024 (NDRC, SAMR) wants electric bicycles charged by"
    " the kWh, in principle from 2025-01-01; bills tell the metered kWh and both fees apart",
)
NOT_PARKED = Remark(
    "parking-in-quotes-only",
    "an order ends with its charge, so its bill has no time parked after it; quotes do",
)
NOT_RESERVED = Remark(
    "reservations-in-quotes-only", "orders reserve nothing, so only quotes price a reservation"
)
NO_CURRENT = Remark(
    "current-in-quotes-only",
    "restrictions on current decide about a price, and an order's readings tell of power only",
    forbids_orders=True,
)


def clock_remarks(ahead_s: int | None) -> tuple[Remark, ...]:
    """Of a bill for a charge at a charger whose clock is not billed by; none where it is.

    @param ahead_s: by how much it was ahead of ours.
    """
    if ahead_s is None:
        return ()
    way = "ahead of" if ahead_s > 0 else "behind"
    words = f"the charger's clock was {abs(ahead_s)} s {way} ours: the charge is billed by ours"
    return (Remark("billed-by-our-clock", words),)


def other_currency(currency: str) -> Remark:
    """Wallets are in yuan."""
    words = f"prices are in {currency}, and wallets in CNY: quotes only"
    return Remark("other-currency", words, forbids_orders=True)
