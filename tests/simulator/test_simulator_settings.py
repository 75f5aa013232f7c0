import pytest

from chargecloud.simulator.settings import SimulatorSettings


def test_the_defaults_are_the_demo() -> None:
    """Twenty boxes with ten ports each, which people come to."""
    settings = SimulatorSettings()
    assert (settings.chargers, settings.ports, settings.scenario) == (20, 10, "demo")


@pytest.mark.parametrize(
    ("name", "value"), [("chargers", 0), ("ports", 21), ("scenario", "riot"), ("seed", -1)]
)
def test_values_without_sense_are_refused(name: str, value: object) -> None:
    """When the configuration is read, and not when the fleet starts."""
    with pytest.raises(ValueError, match="must be"):
        SimulatorSettings(**{name: value})  # type: ignore[arg-type]
