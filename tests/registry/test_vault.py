"""The vault: chargers' keys, wrapped."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import Invalid
from chargecloud.registry.vault import Vault, WrongMasterKey, key_of

keys = st.binary(min_size=16, max_size=16)


def test_its_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """It is made when it is missing, with its folder."""
    path = tmp_path / "secrets" / "master.key"
    Vault.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_outlast_a_restart(tmp_path: Path) -> None:
    """The next process opens the same vault."""
    key = bytes(range(16))
    wrapped = Vault.open(tmp_path / "master.key").wrap(key, "charger 1")
    assert Vault.open(tmp_path / "master.key").unwrap(wrapped, "charger 1") == key


@given(keys, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_only_its_own_keys_come_out(key: bytes, master: bytes, other: bytes) -> None:
    """What is wrapped shows nothing, and another master key opens nothing."""
    wrapped = Vault(master).wrap(key, "charger 1")
    assert wrapped != key
    assert Vault(master).unwrap(wrapped, "charger 1") == key
    if other != master:
        with pytest.raises(WrongMasterKey):
            Vault(other).unwrap(wrapped, "charger 1")


def test_a_key_opens_for_its_own_charger_only() -> None:
    """Who can write the database cannot give a charger the key of another."""
    vault = Vault(bytes(32))
    wrapped = vault.wrap(bytes(16), "charger 1, key 1")
    for other in ("charger 2, key 1", "charger 1, key 2"):
        with pytest.raises(WrongMasterKey):
            vault.unwrap(wrapped, other)


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "no hexadecimal"])
def test_a_damaged_file_is_not_used(tmp_path: Path, text: str) -> None:
    """Keys wrapped with half a master key could never be opened again."""
    path = tmp_path / "master.key"
    path.write_text(text)
    with pytest.raises(WrongMasterKey, match="is no master key"):
        Vault.open(path)


def test_the_master_key_is_not_shown() -> None:
    """A vault may stand in a log line."""
    assert repr(b"\x07" * 32) not in repr(Vault(b"\x07" * 32))


@given(keys)
def test_a_key_is_read_from_hexadecimal(key: bytes) -> None:
    """As it is printed on a delivery note, in capitals or not."""
    assert key_of(key.hex(), 16) == key_of(key.hex().upper(), 16) == key


@pytest.mark.parametrize("text", ["", "00" * 15, "00" * 17, "0" * 31, "zz" * 16])
def test_what_is_no_key_is_refused(text: str) -> None:
    """With the place of the fault."""
    with pytest.raises(Invalid) as refused:
        key_of(text, 16)
    assert refused.value.facts["errors"][0]["pointer"] == "/key"  # type: ignore[index]


def test_new_keys_differ() -> None:
    """Nobody can guess them."""
    assert len({key_of(None, 16) for _ in range(100)}) == 100


def test_a_dialect_without_keys_wants_none() -> None:
    """None is made, and one that is given is refused."""
    assert key_of(None, None) is None
    with pytest.raises(Invalid):
        key_of("00" * 16, None)
