"""C{twistd chargecloud-sim}: a simulated fleet, and people who charge at it."""

import os
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import IService
from twisted.python import usage

from chargecloud.plugins import PluginError, load_plugins
from chargecloud.simulator.fleet import SimulatorService
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.scenarios import SCENARIOS
from chargecloud.simulator.settings import SimulatorSettings
from chargecloud.simulator.speaking import ISimulatedDialect

_DEFAULTS = SimulatorSettings()


class Options(usage.Options):
    """Options of the command."""

    synopsis = "[options]"
    longdesc = (
        "Connects simulated chargers to a platform and lets people charge at them. What it "
        "knows is kept in the folder of --state, so that the next run goes on from there."
    )
    optParameters = [  # noqa: RUF012 - Twisted's own way to declare them
        ["connect", "c", "tcp:127.0.0.1:9010", "endpoint at which the platform takes chargers"],
        ["dialect", "d", SimulatedNative.name, "what the chargers speak"],
        ["chargers", "n", _DEFAULTS.chargers, "how many chargers", int],
        ["ports", "p", _DEFAULTS.ports, "ports of each charger", int],
        ["scenario", None, _DEFAULTS.scenario, f"what happens: {', '.join(SCENARIOS)}"],
        ["api", "a", "http://127.0.0.1:8080", "the platform's HTTP API"],
        ["token", "t", None, "for the API (if not given: CHARGECLOUD_TOKEN of the environment)"],
        ["state", "s", "var/simulator", "folder of the fleet's memory and its book"],
        ["seed", None, _DEFAULTS.seed, "the same seed brings the same people", int],
    ]

    #: what C{--dialect} names
    speaks: ISimulatedDialect

    def postOptions(self) -> None:
        """
        Check what was given.

        @raise UsageError: for a value that makes no sense.
        """
        for setting in attrs.fields(SimulatorSettings):
            try:
                SimulatorSettings(**{setting.name: self[setting.name]})
            except ValueError as error:
                raise usage.UsageError(f"--{setting.name} {error}") from error
        try:
            spoken = load_plugins().simulated_dialects
        except PluginError as error:
            raise usage.UsageError(str(error)) from error
        if self["dialect"] not in spoken:
            raise usage.UsageError(
                f"--dialect must be one of {', '.join(spoken)}, not {self['dialect']!r}"
            )
        self.speaks = spoken[self["dialect"]]
        if not self["api"].startswith(("http://", "https://")):
            raise usage.UsageError("--api must begin with http:// or https://")
        self["token"] = self["token"] or os.environ.get("CHARGECLOUD_TOKEN")
        if not self["token"]:
            raise usage.UsageError("--token or CHARGECLOUD_TOKEN must be given")


def makeService(options: Options) -> IService:
    """The service of the command."""
    from twisted.internet import reactor

    return _service(options, reactor)


def _service(options: Options, reactor: Any) -> IService:
    return SimulatorService(
        reactor=reactor,
        connect=options["connect"],
        api_url=options["api"],
        token=options["token"],
        speaks=options.speaks,
        chargers=options["chargers"],
        ports=options["ports"],
        scenario=options["scenario"],
        folder=Path(options["state"]),
        seed=options["seed"],
    )
