"""What a charger says of a charge's end without its record of it."""

from attrs import define

from chargecloud.domain.events import PortReading

#: what is said again so soon is said once: the record may come right behind it
AGAIN_S = 10.0


@define
class EndTold:
    """
    Since the charger has told of the charge last.  Instants are seconds of the reactor's clock,
    as it is messages that are waited for.

    @ivar stopped_s: when it first said that it stops the charge.
    @ivar denied_s: when it first told of the port, and not of the charge; C{denied_again_s} is
        when it last did, and C{reading} what it told then.
    """

    stopped_s: float | None = None
    denied_s: float | None = None
    denied_again_s: float | None = None
    reading: PortReading | None = None

    def stopped(self, now_s: float) -> None:
        """It says that it stops the charge."""
        self.stopped_s = now_s if self.stopped_s is None else self.stopped_s

    def denied(self, reading: PortReading, now_s: float) -> None:
        """It tells of the port, and not of the charge."""
        self.denied_s = now_s if self.denied_s is None else self.denied_s
        self.denied_again_s, self.reading = now_s, reading

    def since_s(self, present_s: float) -> float | None:
        """Since when its record is to follow; C{None} if the charge goes on, by all that it says.

        @param present_s: when it has connected: only then can a record come.
        """
        told = [each for each in (self.stopped_s, self.denied_s) if each is not None]
        return max(min(told), present_s) if told else None

    def is_denied_twice(self, present_s: float) -> bool:
        """Whether it has told so again, when a record that was on its way had come."""
        if self.denied_s is None or self.denied_again_s is None:
            return False
        return self.denied_again_s - max(self.denied_s, present_s) >= AGAIN_S
