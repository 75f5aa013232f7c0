"""What a CALLERROR may say: OCPP-J 1.6, section 4.2.3, in its own spelling."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a CALL has no result."""

    #: the action is not known to the receiver
    NOT_IMPLEMENTED = "NotImplemented"
    #: it is known, and not supported
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    #: the payload is incomplete
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    #: no JSON, or not of the structure of the action
    FORMATION_VIOLATION = "FormationViolation"
    #: a field has a value that it may not have
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    #: a field is there too rarely or too often; 1.6 spells it so
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    #: a field is of another type
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"
