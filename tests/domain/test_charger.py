"""Chargers, as values."""

from chargecloud.domain.charger import Secret


def test_a_secret_does_not_show_its_key() -> None:
    """Keys stay out of logs and tracebacks."""
    shown = f"{Secret(b'sesame' * 3, 2)} {Secret(b'sesame' * 3, 2)!r}"
    assert "sesame" not in shown
    assert "generation=2" in shown
