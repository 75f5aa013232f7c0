"""What can be refused, and by whose fault.

L{RemoteError} is the fault of the far side of a charger's connection: the connection
suffers.  L{Refusal} is the answer to a request that cannot be carried out: it has a
stable C{code} that the HTTP API shows as the problem's type.  Anything else that is
raised is our own fault.
"""

from typing import ClassVar


class RemoteError(Exception):
    """The far side broke its protocol: bad length, checksum, tag, order or limit."""

    #: stable, for counters and logs
    code: ClassVar[str] = "remote-error"


class BadFrame(RemoteError):
    """Bytes that no frame can be made of."""

    code = "bad-frame"


class BadTag(RemoteError):
    """A frame that its key did not make: tampered with, replayed, or out of order."""

    code = "bad-tag"


class LimitExceeded(RemoteError):
    """More bytes, frames or waiting events than one connection may have."""

    code = "limit-exceeded"


class OutOfOrder(RemoteError):
    """A message that its session's state does not allow."""

    code = "out-of-order"


class NotAdmitted(RemoteError):
    """A charger that is not registered, or may not connect."""

    code = "not-admitted"


class Refusal(Exception):
    """A request that is understood and cannot be carried out.

    @ivar detail: one sentence for a person.
    @ivar facts: machine-readable members that go with it.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class NotFound(Refusal):
    """No such thing within the asker's tenant."""

    code = "not-found"


class Invalid(Refusal):
    """A value that breaks a rule; C{facts["errors"]} may list C{{pointer, detail}}."""

    code = "invalid"


class Conflict(Refusal):
    """It cannot be done in the state that things are in."""

    code = "conflict"


class AlreadyExists(Conflict):
    """A name or identity that is taken."""

    code = "already-exists"


class NotSupported(Conflict):
    """The charger's dialect has no words for it."""

    code = "not-supported"


class OutOfService(Conflict):
    """The charger is taken out of service: nobody may begin to charge there."""

    code = "out-of-service"


class Edited(Refusal):
    """What was to be edited has been edited by somebody else meanwhile."""

    code = "edited-meanwhile"


class PortBusy(Conflict):
    """The port has a running order."""

    code = "port-busy"


class InsufficientFunds(Conflict):
    """The wallet holds less than what was to be taken or held."""

    code = "insufficient-funds"


class CouponRefused(Conflict):
    """An order cannot have the coupon that it names; C{facts["why"]} is one of a few words:
    C{unknown}, C{revoked}, C{not-yet}, C{expired}, C{elsewhere}, C{somebody-elses}, C{spent}."""

    code = "coupon-refused"


class MonthCardRefused(Conflict):
    """An order cannot be covered by the month card that it names; C{facts["why"]} is one of a few
    words: C{unknown}, C{closed}, C{not-yet}, C{expired}, C{elsewhere}, C{somebody-elses},
    C{spent-today}."""

    code = "month-card-refused"


class ChargerOffline(Conflict):
    """No session holds the charger at the moment."""

    code = "charger-offline"


class CommandTimedOut(Refusal):
    """The charger was sent a command and did not answer before its deadline."""

    code = "command-timed-out"


class Overloaded(Refusal):
    """A queue with a limit is full; trying again later is in order."""

    code = "overloaded"


class StorageFull(Refusal):
    """No charge begins that could not be written down to its end."""

    code = "storage-full"


class NodesApart(Refusal):
    """The way from this node to the one that holds the charger is away, or that node is."""

    code = "nodes-apart"


class ChannelRefused(Conflict):
    """A payment channel has said no, and will say no again; C{facts["why"]} is its word.

    To a question it is one to the asking alone: of what was asked after it says nothing.
    """

    code = "channel-refused"


class ChannelAway(Refusal):
    """A payment channel did not answer, or fails: nobody knows yet what it has done.

    A channel itself says so of what it cannot tell yet, if that is no failure of its own.
    """

    code = "channel-away"


class NoticeRefused(Refusal):
    """A notice of a payment that is not believed; C{facts["why"]} is one of a few words:
    C{bad-signature}, C{stale}, C{malformed}, C{foreign}, C{differs}."""

    code = "notice-refused"

    def __init__(self, detail: str, why: str, **facts: object) -> None:
        super().__init__(detail, why=why, **facts)
        self.why = why


class RequestKeyReused(Refusal):
    """An Idempotency-Key that came before, with a different request."""

    code = "idempotency-key-reused"


class TariffError(Invalid):
    """Terms that make no tariff; C{facts["errors"]} lists C{{where, what}}, places being
    within the terms."""

    code = "invalid-tariff"
