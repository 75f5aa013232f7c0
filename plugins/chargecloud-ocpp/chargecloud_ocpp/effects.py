"""What an operation that a charge point has accepted changes of what it keeps.  Pure."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from chargecloud_ocpp.orders import ACCEPTED

Values = Mapping[str, Any]
#: configuration keys whose values are nobody's business
SECRET_KEYS = frozenset({"authorizationkey"})


class Kind(Enum):
    """What is kept."""

    RESERVATION = "reservation"
    #: the version of the local list, under its only name
    LIST = "list"
    CARD = "card"
    PROFILE = "profile"
    CONFIGURATION = "configuration"
    #: that was signed for it, under what became of it
    CERTIFICATE = "certificate"


LIST_VERSION = "version"
#: of a charge point's configuration; standard ones are about fifty
MOST_KEYS = 500


@frozen
class Put:
    """It is there from now on."""

    kind: Kind
    name: str
    value: Values


@frozen
class Remove:
    """
    They are not there any more.

    @ivar name: C{None} for all of a kind.
    @ivar fits: which of them, by their values.
    """

    kind: Kind
    name: str | None = None
    fits: Callable[[Values], bool] = lambda _value: True


Effect = Put | Remove


def effects(action: str, request: Values, answer: Values) -> Iterator[Effect]:
    """
    What follows from an operation and its answer, in order.

    @param answer: the payload of the result.
    """
    find = _EFFECTS.get(action)
    status = answer.get("status")
    if find is not None and (status is None or status in ACCEPTED):
        yield from find(request, answer)


def without_secrets(answer: Values) -> dict[str, Any]:
    """An answer, for whoever asked: what nobody but the charge point may know is left out."""
    entries = answer.get("configurationKey")
    if not isinstance(entries, list):
        return dict(answer)
    shown = [
        {**each, "value": "***"} if str(each.get("key")).lower() in SECRET_KEYS else each
        for each in entries
    ]
    return {**answer, "configurationKey": shown}


def _reserved(request: Values, _answer: Values) -> Iterator[Effect]:
    yield Put(Kind.RESERVATION, str(request["reservationId"]), request)


def _cancelled(request: Values, _answer: Values) -> Iterator[Effect]:
    yield Remove(Kind.RESERVATION, str(request["reservationId"]))


def _listed(request: Values, _answer: Values) -> Iterator[Effect]:
    if request["updateType"] == "Full":
        yield Remove(Kind.CARD)
    for each in request.get("localAuthorizationList", ()):
        if "idTagInfo" in each:
            yield Put(Kind.CARD, each["idTag"], each["idTagInfo"])
        else:
            yield Remove(Kind.CARD, each["idTag"])
    yield Put(Kind.LIST, LIST_VERSION, {"listVersion": request["listVersion"]})


def _versioned(_request: Values, answer: Values) -> Iterator[Effect]:
    if "listVersion" in answer:
        yield Put(Kind.LIST, LIST_VERSION, {"listVersion": answer["listVersion"]})


def _profiled(request: Values, _answer: Values) -> Iterator[Effect]:
    profile = request["csChargingProfiles"]
    value = {"connectorId": request["connectorId"], "profile": profile}
    # the same purpose and level at a connector has one profile (section 3.13.2)
    yield Remove(Kind.PROFILE, fits=lambda kept: _place(kept) == _place(value))
    yield Put(Kind.PROFILE, str(profile["chargingProfileId"]), value)


def _place(value: Values) -> tuple[Any, ...]:
    profile = value["profile"]
    return value["connectorId"], profile["chargingProfilePurpose"], profile["stackLevel"]


def _cleared(request: Values, _answer: Values) -> Iterator[Effect]:
    if "id" in request:
        yield Remove(Kind.PROFILE, str(request["id"]))
        return

    def fits(value: Values) -> bool:
        told = {"connectorId": value["connectorId"], **value["profile"]}
        return all(told.get(name) == wanted for name, wanted in request.items())

    yield Remove(Kind.PROFILE, fits=fits)


def _configured(request: Values, _answer: Values) -> Iterator[Effect]:
    if request["key"].lower() not in SECRET_KEYS:
        value = {"value": request["value"], "readonly": False}
        yield Put(Kind.CONFIGURATION, request["key"], value)


def _configuration(request: Values, answer: Values) -> Iterator[Effect]:
    asked = request.get("key")
    if not asked:
        yield Remove(Kind.CONFIGURATION)
    for each in answer.get("configurationKey", ())[:MOST_KEYS]:
        if each["key"].lower() not in SECRET_KEYS and (not asked or each["key"] in asked):
            value = {"value": each.get("value"), "readonly": each["readonly"]}
            yield Put(Kind.CONFIGURATION, each["key"], value)


_EFFECTS: Mapping[str, Callable[[Values, Values], Iterator[Effect]]] = {
    "CancelReservation": _cancelled,
    "ChangeConfiguration": _configured,
    "ClearChargingProfile": _cleared,
    "GetConfiguration": _configuration,
    "GetLocalListVersion": _versioned,
    "ReserveNow": _reserved,
    "SendLocalList": _listed,
    "SetChargingProfile": _profiled,
}
