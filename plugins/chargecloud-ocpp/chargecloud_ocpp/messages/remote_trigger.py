"""The remote trigger profile: asking a charge point to say something."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Sender,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.values import CONNECTOR

REMOTE_TRIGGER = (
    Action(
        "TriggerMessage",
        Sender.CENTRAL_SYSTEM,
        "5.17",
        (
            must(
                "requestedMessage",
                Choice(
                    "MessageTrigger",
                    (
                        "BootNotification",
                        "DiagnosticsStatusNotification",
                        "FirmwareStatusNotification",
                        "Heartbeat",
                        "MeterValues",
                        "StatusNotification",
                    ),
                ),
            ),
            may("connectorId", Whole(), CONNECTOR),
        ),
        status("TriggerMessageStatus", "Accepted", "Rejected", "NotImplemented"),
    ),
)
