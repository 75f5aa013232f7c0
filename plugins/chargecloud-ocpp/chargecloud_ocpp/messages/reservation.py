"""The reservation profile: a connector that is kept for a card."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Instant,
    Sender,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.values import CONNECTOR_OR_ALL, ID_TAG

RESERVATION = (
    Action(
        "CancelReservation",
        Sender.CENTRAL_SYSTEM,
        "5.1",
        (must("reservationId", Whole()),),
        status("CancelReservationStatus", "Accepted", "Rejected"),
    ),
    Action(
        "ReserveNow",
        Sender.CENTRAL_SYSTEM,
        "5.13",
        (
            must("connectorId", Whole(), CONNECTOR_OR_ALL),
            must("expiryDate", Instant(), "when it ends"),
            must("idTag", ID_TAG, "whom it is for"),
            may("parentIdTag", ID_TAG, "the group that it is for"),
            must("reservationId", Whole(), "a known one is replaced"),
        ),
        status("ReservationStatus", "Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"),
    ),
)
