"""Security profiles 1 and 2: HTTP Basic with the charge point's identity and its key; 3: its
certificate.

"Improved security for OCPP 1.6-J", A00.FR.201 to 206: the password is the C{AuthorizationKey}.
"""

from hmac import compare_digest

from chargecloud.interfaces import Credentials
from chargecloud_ocpp.requests import Basic


def is_let_in(
    identity: str, credentials: Credentials, basic: Basic | None, certified: str | None = None
) -> bool:
    """
    Whether who said that is the charge point.  One that is registered to come without a key does
    so; what it says then is not looked at.

    Charge points disagree whether the password is the key's bytes or their hexadecimal digits:
    either is right.  How long it takes says nothing of the key.

    @param certified: the name in the certificate that it has shown; that proves it, and nobody
        else's does.
    """
    secret = credentials.secret
    if certified is not None:
        # whose key was revoked is let in by nothing
        is_revoked = secret is None and not credentials.needs_no_secret
        return certified == identity and not is_revoked
    if secret is None:
        return credentials.needs_no_secret
    if basic is None:
        return False
    digits = secret.key.hex().encode()
    rights = [
        compare_digest(basic.username, identity.encode()),
        compare_digest(basic.password, secret.key) | compare_digest(basic.password.lower(), digits),
    ]
    return all(rights)
