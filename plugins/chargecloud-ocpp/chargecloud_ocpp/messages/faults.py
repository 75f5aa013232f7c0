"""What can be wrong with a payload."""

from collections.abc import Iterable

from attrs import frozen

from chargecloud_ocpp.codes import ErrorCode

#: a payload that is wrong all over is not told of in full
MOST_FAULTS = 20


@frozen
class Fault:
    """
    One fault.

    @ivar path: JSON pointer (RFC 6901) within the payload; empty for the payload itself.
    @ivar code: that a CALLERROR about it has.
    @ivar detail: one clause for a person, without the value itself, which may be a secret.
    """

    path: str
    code: ErrorCode
    detail: str


def at(path: str, name: str | int) -> str:
    """The pointer to a member; its name may be whatever the far side thought of."""
    return f"{path}/{str(name)[:50].replace('~', '~0').replace('/', '~1')}"


def wrong_type(path: str, wanted: str) -> Fault:
    """A value that is of another type."""
    return Fault(path, ErrorCode.TYPE_CONSTRAINT_VIOLATION, f"is not {wanted}")


def wrong_value(path: str, detail: str) -> Fault:
    """A value of the right type that is not among those allowed."""
    return Fault(path, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, detail)


def wrong_count(path: str, detail: str) -> Fault:
    """A member that is missing, or a list that is too short."""
    return Fault(path, ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, detail)


def unknown_member(path: str) -> Fault:
    """A member that the structure does not have."""
    return Fault(path, ErrorCode.FORMATION_VIOLATION, "is not a member of the message")


def told(faults: Iterable[Fault]) -> str:
    """Faults in one line, for a log or the description of a CALLERROR."""
    return "; ".join(f"{fault.path or 'payload'} {fault.detail}" for fault in faults)
