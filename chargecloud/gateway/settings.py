"""The room's settings: the C{[limits]} table of the configuration."""

from attrs import frozen

from chargecloud.domain.fields import whole


@frozen(kw_only=True)
class Limits:
    """
    What chargers' connections may take; seconds of the reactor's clock.

    A connection whose peer has no address of its own (behind a UNIX socket) counts among
    all, and among no address.
    """

    connections: int = whole(
        "in all; below the open files of the process, with room to spare", default=15_000, least=1
    )
    connections_an_address: int = whole(
        "from one address: the chargers of a campus share one, and an attacker has one",
        default=2_000,
        least=1,
    )
    heartbeat_s: int = whole(
        "how often a charger gives a sign of life; one that does so too seldom is given up "
        "within 90 s at 60",
        default=60,
        least=5,
        most=3600,
    )
    heartbeat_most_s: int = whole(
        "up to where an idle one may stretch that by trying, as far as its network holds a "
        "silent connection",
        default=240,
        least=5,
        most=3600,
    )
    missed: int = whole(
        "heartbeats in a row after which a charger is gone whose dialect promises nothing",
        default=3,
        least=2,
        most=10,
    )
    login_s: int = whole(
        "from the connection to the proof of who it is", default=15, least=1, most=300
    )
    farewell_s: int = whole(
        "within which what we still wrote has to be taken", default=5, least=1, most=60
    )
    bytes_a_second: int = whole(
        "from one connection in the long run, 64 KiB at once; a host with 50 boxes sends less "
        "than 1,000",
        default=4_096,
        least=256,
    )
    logins_at_a_time: int = whole(
        "under way at once; further chargers are told when to come back", default=256, least=1
    )
    logins_a_minute: int = whole(
        "of one charger in the long run, 10 at once; one that comes oftener is put off",
        default=6,
        least=1,
    )
    recorded_frames: int = whole(
        "of each charger, both ways, that the flight recorder keeps in memory: about 85 bytes "
        "for a heartbeat or its answer, 200 for a report of four ports",
        default=64,
        least=2,
        most=1_000,
    )

    @property
    def silence_s(self) -> float:
        """Silence after which a connection is given up."""
        return float(self.heartbeat_s * self.missed)
