"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect
from chargecloud_dny.dialect import DnyDialect


@hookimpl
def chargecloud_dialects() -> Sequence[IDialect]:
    """DNY."""
    return [DnyDialect()]
