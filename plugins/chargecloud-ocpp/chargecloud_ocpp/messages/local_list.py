"""The local authorization list profile: cards that a charge point knows by itself."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    ListOf,
    Sender,
    Structure,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.values import ID_TAG, ID_TAG_INFO

LOCAL_LIST = (
    Action(
        "GetLocalListVersion",
        Sender.CENTRAL_SYSTEM,
        "5.10",
        (),
        (must("listVersion", Whole(), "0: the list is empty; -1: there are no lists"),),
    ),
    Action(
        "SendLocalList",
        Sender.CENTRAL_SYSTEM,
        "5.15",
        (
            must("listVersion", Whole(), "that the list has from then on"),
            may(
                "localAuthorizationList",
                ListOf(
                    Structure(
                        "AuthorizationData",
                        (
                            must("idTag", ID_TAG),
                            may(
                                "idTagInfo",
                                ID_TAG_INFO,
                                "in a differential one: left out to remove it",
                            ),
                        ),
                    )
                ),
            ),
            must("updateType", Choice("UpdateType", ("Differential", "Full"))),
        ),
        status("UpdateStatus", "Accepted", "Failed", "NotSupported", "VersionMismatch"),
    ),
)
