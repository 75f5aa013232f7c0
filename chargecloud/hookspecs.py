"""Hook specifications.  A hook only collects providers, once, when the service starts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from chargecloud.interfaces import IDialect, IFeature, ITariff

hookspec = pluggy.HookspecMarker("chargecloud")
#: what a plugin marks its functions with
hookimpl = pluggy.HookimplMarker("chargecloud")


@hookspec
def chargecloud_dialects() -> "Sequence[IDialect]":  # type: ignore[empty-body]
    """The dialects that this plugin speaks."""


@hookspec
def chargecloud_tariffs() -> "Sequence[ITariff]":  # type: ignore[empty-body]
    """The kinds of tariff that this plugin knows."""


@hookspec
def chargecloud_features() -> "Sequence[IFeature]":  # type: ignore[empty-body]
    """The features that this plugin adds."""
