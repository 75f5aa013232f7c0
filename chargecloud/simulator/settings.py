"""The simulator's settings: the C{[simulator]} table of the configuration."""

from typing import Any

import attrs
from attrs import frozen

from chargecloud.domain.fields import whole
from chargecloud.simulator.scenarios import SCENARIOS, find_scenario


def _is_one(_instance: object, _attribute: "attrs.Attribute[Any]", name: str) -> None:
    find_scenario(name)


@frozen(kw_only=True)
class SimulatorSettings:
    """A fleet; what is registered already keeps its number of ports."""

    chargers: int = whole("how many chargers connect", default=20, least=1, most=2_000)
    ports: int = whole("ports of each charger", default=10, least=1, most=20)
    scenario: str = attrs.field(
        default="demo",
        validator=_is_one,
        metadata={"doc": f"what happens: {', '.join(SCENARIOS)}"},
    )
    seed: int = whole("the same seed brings the same people with the same bikes", default=1)
