"""What C{[ocpp]} says."""

from datetime import timedelta

from attrs import frozen

from chargecloud.domain.fields import checked, choice, text, whole
from chargecloud.references import resolve
from chargecloud_ocpp.authority import Authority, read_certificates, read_key

MOST_DAYS = 3_650


@frozen(kw_only=True)
class AuthoritySettings:
    """C{[ocpp.authority]}: signs charge points' certificates."""

    certificate: str = checked(
        "of the authority, and those above it, in PEM; env:NAME or file:PATH",
        lambda value: read_certificates(resolve(value)),
    )
    key: str = checked(
        "of the certificate, in PEM; env:NAME or file:PATH",
        lambda value: read_key(resolve(value)),
        repr=False,
    )
    organization: str = text("the O of every certificate, and a charge point's CpoName", longest=64)
    valid_days: int = whole("how long one is good for", default=365, least=1, most=MOST_DAYS)
    renew_days: int | None = whole(
        "how long before its end a charge point is asked for a new one; never, if not given",
        default=None,
        least=1,
        most=MOST_DAYS,
    )
    wishes_an_hour: int = whole("of a charge point that are looked at", default=5, least=1)

    def __attrs_post_init__(self) -> None:
        self.open()

    def open(self) -> Authority:
        """
        Who signs.

        @raise NoAuthority: if that is nobody.
        """
        certificate, key = resolve(self.certificate), resolve(self.key)
        return Authority.of(certificate, key, self.organization, timedelta(days=self.valid_days))


@frozen(kw_only=True)
class OcppSettings:
    """C{[ocpp]}"""

    authority: AuthoritySettings | None = choice(
        "signs charge points' certificates; without one no wish for one is granted", default=None
    )
