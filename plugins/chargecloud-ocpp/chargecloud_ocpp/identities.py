"""What charge points are called: the last segment of the path that they dial."""

from chargecloud.domain.errors import Invalid

#: characters; OCPP-J says none, and this is what the registry holds
LONGEST_IDENTITY = 64


def read_identity(identity: str) -> str:
    """
    The identity, as it is: case counts.

    @raise Invalid: if it is empty, too long, or could not be said in a path and as the user of HTTP
        Basic.
    """
    if not 0 < len(identity) <= LONGEST_IDENTITY:
        raise Invalid(f"an identity has 1 to {LONGEST_IDENTITY} characters")
    if not identity.isprintable() or identity != identity.strip():
        raise Invalid("an identity has letters, digits and signs, and no space around them")
    return identity
