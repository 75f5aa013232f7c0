"""The kit's options, what its tests are given, and its report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KIT = "chargecloud/conformance/"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which dialect is to be proved, and with which frames."""
    group = parser.getgroup("chargecloud", "ChargeCloud's conformance kit")
    group.addoption("--dialect", metavar="NAME", help="the dialect that is to be proved")
    group.addoption(
        "--golden",
        metavar="FILE",
        help='JSON with "valid" and "invalid" frames, each with "hex" and perhaps "direction"',
    )
    group.addoption(
        "--plugins-dir",
        metavar="FOLDER",
        default="",
        help="of loose plugins, the dialect among them",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each golden frame."""
    for name in ("valid_frame", "invalid_frame"):
        if name in metafunc.fixturenames:
            kind = name.partition("_")[0]
            frames = _golden(metafunc.config).get(kind, [])
            ids = [str(each.get("id", number)) for number, each in enumerate(frames)]
            metafunc.parametrize(name, frames, ids=ids)


def _golden(config: pytest.Config) -> dict[str, Any]:
    path = config.getoption("--golden")
    found: dict[str, Any] = json.loads(Path(path).read_text()) if path else {}
    return found


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> Any:
    """The dialect that is to be proved."""
    return _chosen(request.config)[0]


@pytest.fixture
def new_bench(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes benches of the dialect."""
    from chargecloud.conformance.bench import Bench

    spoken, simulated = _chosen(request.config)
    if simulated is None:
        pytest.skip(f"no chargecloud_simulated_dialects provides {spoken.name}")

    def new(**given: Any) -> Bench:
        return Bench(spoken, simulated, **given)

    return new


def _chosen(config: pytest.Config) -> tuple[Any, Any]:
    from chargecloud.plugins import PluginSettings, load_plugins

    name = config.getoption("--dialect")
    if not name:
        pytest.skip("--dialect NAME says which one is to be proved")
    plugins = load_plugins(PluginSettings(plugins_dir=config.getoption("--plugins-dir")))
    if name not in plugins.dialects:
        refused = "; ".join(map(str, plugins.refused))
        raise pytest.UsageError(
            f"there is no dialect {name!r}, only {', '.join(plugins.dialects)}. {refused}"
        )
    return plugins.dialects[name], plugins.simulated_dialects.get(name)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What holds and what does not, in words."""
    name = config.getoption("--dialect")
    if not name:
        return
    told: dict[str, list[str]] = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if report.when == "call" or outcome != "passed":
                rule = report.nodeid.partition("::test_")[2].partition("[")[0].replace("_", " ")
                told.setdefault(rule, []).append(outcome)
    terminalreporter.section(f"conformance of {name}")
    for rule, outcomes in told.items():
        worst = next(each for each in ("failed", "skipped", "passed") if each in outcomes)
        mark = {"failed": "BROKEN ", "skipped": "skipped", "passed": "holds  "}[worst]
        many = f" ({len(outcomes)})" if len(outcomes) > 1 else ""
        terminalreporter.write_line(f"{mark} {rule}{many}")
