"""The kit's options, what its tests are given, and its report."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

KIT = "chargecloud/conformance/"
#: by the option that says what is to be proved, what only tests of such are given
PROVED = {
    "--dialect": {"dialect", "new_bench", "valid_frame", "invalid_frame"},
    "--tariff": {"tariff", "all_priced", "refused_terms"},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which dialect or tariff is to be proved, and with what."""
    group = parser.getgroup("chargecloud", "ChargeCloud's conformance kit")
    group.addoption("--dialect", metavar="NAME", help="the dialect that is to be proved")
    group.addoption(
        "--golden",
        metavar="FILE",
        help='JSON with "valid" and "invalid" frames, each with "hex" and perhaps "direction"',
    )
    group.addoption("--tariff", metavar="KIND", help="the tariff that is to be proved")
    group.addoption(
        "--terms",
        metavar="FILE",
        help='JSON with "terms", "falling" ones by which more may cost less (caps, tiers, '
        'discounts), and "refused" ones: a list of terms each',
    )
    group.addoption(
        "--plugins-dir",
        metavar="FOLDER",
        default="",
        help="of loose plugins, what is to be proved among them",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each golden frame, and for terms that are to be refused."""
    for name in ("valid_frame", "invalid_frame"):
        if name in metafunc.fixturenames:
            kind = name.partition("_")[0]
            frames = _given(metafunc.config, "--golden").get(kind, [])
            ids = [str(each.get("id", number)) for number, each in enumerate(frames)]
            metafunc.parametrize(name, frames, ids=ids)
    if "refused_terms" in metafunc.fixturenames:
        refused = _given(metafunc.config, "--terms").get("refused", [])
        metafunc.parametrize("refused_terms", refused, ids=map(str, range(len(refused))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the kit only what is about that which is to be proved."""
    asked = {option for option in PROVED if config.getoption(option)}
    if not asked:
        return
    fixtures = set[str]().union(*(PROVED[option] for option in asked))
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        takes = {*getattr(item, "fixturenames", ())}
        is_asked = KIT not in item.path.as_posix() or takes & fixtures
        (kept if is_asked else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def _given(config: pytest.Config, option: str) -> dict[str, Any]:
    path = config.getoption(option)
    found: dict[str, Any] = json.loads(Path(path).read_text()) if path else {}
    return found


@pytest.fixture
def tariff(request: pytest.FixtureRequest) -> Any:
    """The tariff that is to be proved."""
    if not request.config.getoption("--tariff"):
        pytest.skip("--tariff KIND says which one is to be proved")
    return _tariff(request.config)


@pytest.fixture
def all_priced(tariff: Any, request: pytest.FixtureRequest) -> Any:
    """The tariff with each of the terms that it is to take."""
    from chargecloud.conformance.test_tariff import Priced

    found = [
        Priced(tariff, tariff.check(terms), falls=kind == "falling")
        for kind in ("terms", "falling")
        for terms in _given(request.config, "--terms").get(kind, [])
    ]
    if not found:
        pytest.skip("--terms FILE has none that it is to take")
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
    name = config.getoption("--dialect")
    if not name:
        pytest.skip("--dialect NAME says which one is to be proved")
    plugins = _plugins(config)
    dialect = _one_of(plugins, "dialect", plugins.dialects, name)
    return dialect, plugins.simulated_dialects.get(name)


def _tariff(config: pytest.Config) -> Any:
    plugins = _plugins(config)
    return _one_of(plugins, "tariff", plugins.tariffs, config.getoption("--tariff"))


def _plugins(config: pytest.Config) -> Any:
    from chargecloud.plugins import PluginSettings, load_plugins

    return load_plugins(PluginSettings(plugins_dir=config.getoption("--plugins-dir")))


def _one_of(plugins: Any, kind: str, provided: Mapping[str, Any], name: str) -> Any:
    if name not in provided:
        refused = "; ".join(map(str, plugins.refused))
        raise pytest.UsageError(
            f"there is no {kind} {name!r}, only {', '.join(provided)}. {refused}"
        )
    return provided[name]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What holds and what does not, in words."""
    name = " and ".join(filter(None, map(config.getoption, PROVED)))
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
