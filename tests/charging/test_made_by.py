"""What a plugin made is marked with its name and version: on bills, and on alarms."""

from pathlib import Path

from attrs import evolve

from chargecloud.domain.events import StopReason
from chargecloud.features.safety.feature import SafetyFeature, SafetySettings
from chargecloud.plugins.provided import Origin
from tests.world import World, native_plugins


def test_a_bill_and_an_alarm_say_which_plugin_made_them(tmp_path: Path) -> None:
    """In which version: a vendor's next one may price and watch otherwise."""
    plugins = evolve(
        native_plugins(),
        features={"safety": SafetyFeature()},
        origins={
            ("tariffs", "time_of_use"): Origin("acme-prices", "2.1"),
            ("features", "safety"): Origin("acme-safety", "0.3"),
        },
    )
    world = World(tmp_path, plugins=plugins, feature_settings={"safety": SafetySettings()})
    box = world.box().connect()
    order = world.order(box, world.customer())
    box.begin()
    world.pass_time(600, lambda: box.report(10_000, temperature_dc=300))
    box.report(0, temperature_dc=900)
    (alarm,) = world.logged("alarm.raised")
    assert (alarm["rule"], alarm["made_by"]) == ("port-hot", "acme-safety 0.3")
    box.end(2, int(order["id"]), 5_000_000, 600, StopReason.SAFETY)
    bill = world.get(f"/orders/{order['id']}/bill")
    assert bill["made_by"] == "acme-prices 2.1"
    assert bill["amount_fen"] > 0
