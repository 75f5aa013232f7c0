from pathlib import Path

import pytest
from twisted.application.service import IService
from twisted.python.usage import UsageError

from chargecloud.tap_sim import Options, makeService


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARGECLOUD_TOKEN", raising=False)


def test_the_defaults_fit_the_demo() -> None:
    """Only the token has to be given."""
    options = Options()
    options.parseOptions(["--token", "secret"])
    assert options["connect"] == "tcp:127.0.0.1:9010"
    assert options["api"] == "http://127.0.0.1:8080"
    assert (options["chargers"], options["ports"], options["scenario"]) == (20, 10, "demo")


def test_the_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is not seen among the processes; an option goes before it."""
    monkeypatch.setenv("CHARGECLOUD_TOKEN", "from outside")
    options = Options()
    options.parseOptions([])
    assert options["token"] == "from outside"
    options = Options()
    options.parseOptions(["--token", "given"])
    assert options["token"] == "given"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--token or CHARGECLOUD_TOKEN must be given"),
        (["--token=t", "--scenario=riot"], "--scenario must be one of demo, steady, quiet"),
        (["--token=t", "--chargers=0"], "--chargers must be between 1 and 2000"),
        (["--token=t", "--ports=many"], "invalid literal"),
        (["--token=t", "--dialect=morse"], "--dialect must be one of .*native.*, not 'morse'"),
        (["--token=t", "--api=127.0.0.1:8080"], "--api must begin with http"),
        (["--token=t", "--wheels=3"], "wheels"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: list[str], told: str) -> None:
    """As an error of usage, which names the option."""
    with pytest.raises(UsageError, match=told):
        Options().parseOptions(arguments)


def test_options_make_a_service(tmp_path: Path) -> None:
    """Nothing is written or connected before it is started."""
    options = Options()
    options.parseOptions(["--token", "secret", "--state", str(tmp_path / "fleet")])
    assert IService.providedBy(makeService(options))
    assert not (tmp_path / "fleet").exists()
