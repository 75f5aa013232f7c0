"""The simulator's settings: the C{[simulator]} table of the configuration."""

from attrs import frozen

from chargecloud.routes import text, whole
from chargecloud.simulator.scenarios import find_scenario


@frozen(kw_only=True)
class SimulatorSettings:
    """A fleet; what is registered already keeps its number of ports."""

    chargers: int = whole("how many chargers connect", default=20, least=1, most=2_000)
    ports: int = whole("ports of each charger", default=10, least=1, most=20)
    scenario: str = text("how many people come: demo, steady or quiet", default="demo")
    seed: int = whole("the same seed brings the same people with the same bikes", default=1)

    def __attrs_post_init__(self) -> None:
        find_scenario(self.scenario)
