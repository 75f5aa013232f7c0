"""What plugins and features bring by name: ways to people, and ways to pay."""

import re
from collections.abc import Sequence

from chargecloud.calendar import Calendar
from chargecloud.domain.payment_value import LONGEST_CHANNEL
from chargecloud.interfaces import FeatureParts, IAlarmSink, IPaymentChannel
from chargecloud.plugins import Plugins

#: what the column of a channel's account has room for
_CHANNEL_NAME = re.compile(f"[a-z][a-z0-9_]{{0,{LONGEST_CHANNEL - 1}}}")


class NamedAlike(Exception):
    """Two alarm sinks, or two payment channels, have the same name, or a channel has none that
    can be one; the message says which."""


class UntrueTime(Exception):
    """Real money by a calendar that is shifted or scaled; the message says which channel."""


def sinks_of(plugins: Plugins, features: Sequence[FeatureParts]) -> dict[str, IAlarmSink]:
    """All ways to people, by name.

    @raise NamedAlike: if two have one name: it would not be known which of them an alarm that
        is still to be delivered is for.
    """
    found = dict(plugins.alarm_sinks)
    for sink in [sink for parts in features for sink in parts.sinks]:
        if sink.name in found:
            raise NamedAlike(f"two alarm sinks are called {sink.name!r}")
        found[sink.name] = sink
    return found


def channels_of(
    plugins: Plugins, features: Sequence[FeatureParts], calendar: Calendar
) -> dict[str, IPaymentChannel]:
    """All ways to pay, by name.

    @raise NamedAlike: if two have one name, or one has a name that the ledger has no room for.
    @raise UntrueTime: if one takes real money, and the calendar is not the true one.
    """
    found = dict(plugins.payment_channels)
    for channel in [channel for parts in features for channel in parts.payment_channels]:
        if channel.name in found:
            raise NamedAlike(f"two payment channels are called {channel.name!r}")
        found[channel.name] = channel
    for name, channel in found.items():
        if not _CHANNEL_NAME.fullmatch(name):
            raise NamedAlike(f"no payment channel can be called {name!r}: {_CHANNEL_NAME.pattern}")
        if channel.real_money and not calendar.is_true:
            raise UntrueTime(f"[calendar] is not for the payment channel {name}: its money is real")
    return found
