"""Billing models: what a pile shows is what the platform charges, or more."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.commands import Price
from chargecloud_ykc.messages import DOWN
from chargecloud_ykc.prices import Model, model_of

#: midnight in Beijing
MIDNIGHT_S = int(datetime(2026, 1, 5, 16, tzinfo=UTC).timestamp())
HOUR_S = 3_600


def prices(*until: tuple[float, int]) -> list[Price]:
    """Prices by the hour after midnight at which they end."""
    return [Price(int(MIDNIGHT_S + hour * HOUR_S), millifen) for hour, millifen in until]


def rate_at(model: Model, hour: float) -> int:
    """What a kWh costs at an hour of the day."""
    return model.rates_e5[model.slots[int(hour * 2)]]


def test_four_prices_are_said_exactly() -> None:
    """Each in its half hours."""
    told = prices((8, 40_000), (11.5, 120_000), (18, 70_000), (22, 150_000), (24, 40_000))
    model = model_of(told, MIDNIGHT_S)
    assert model.rates_e5 == (150_000, 120_000, 70_000, 40_000)
    assert [rate_at(model, hour) for hour in (0, 8, 11, 11.5, 18, 23.5)] == [
        40_000, 120_000, 120_000, 70_000, 150_000, 40_000,
    ]  # fmt: skip


def test_the_day_begins_where_it_is_asked() -> None:
    """What is past belongs to tomorrow."""
    noon_s = MIDNIGHT_S + 12 * HOUR_S
    told = [Price(noon_s + 6 * HOUR_S, 90_000), Price(noon_s + 24 * HOUR_S, 30_000)]
    model = model_of(told, noon_s)
    rates = [rate_at(model, hour) for hour in (12, 17.5, 18, 11.5)]
    assert rates == [90_000, 90_000, 30_000, 30_000]


def test_a_site_without_prices_has_a_free_model() -> None:
    """Without a model a pile would charge nobody; what is paid is the platform's."""
    assert model_of((), MIDNIGHT_S).rates_e5 == (0, 0, 0, 0)


def test_the_number_is_of_what_is_in_it() -> None:
    """The same prices have the same number, and others another."""
    one, same = (model_of(prices((24, 100)), MIDNIGHT_S + day * 24 * HOUR_S) for day in (0, 1))
    assert one.number == same.number != model_of(prices((24, 101)), MIDNIGHT_S).number
    assert one.number != "0000"


@given(
    st.lists(st.tuples(st.integers(1, 30 * 60), st.integers(0, 500_000)), min_size=1, max_size=60)
)
def test_a_model_is_never_cheaper(steps: list[tuple[int, int]]) -> None:
    """However many prices a day has, and wherever they change; and it fits its frame."""
    at, told = MIDNIGHT_S, []
    for minutes, millifen in steps:
        at += minutes * 60
        told.append(Price(at, millifen))
    model = model_of(told, MIDNIGHT_S)
    for slot in range(48):
        for minute in range(0, 30, 3):
            at_s = MIDNIGHT_S + slot * 1_800 + minute * 60
            true = next((each for each in told if at_s < each.until_s), told[-1])
            assert rate_at(model, slot / 2) >= true.millifen_per_kwh
    assert max(model.rates_e5) <= max(each.millifen_per_kwh for each in told)
    body = DOWN[0x58].layout.write(model.fields("32010200000001"))
    assert DOWN[0x58].read(body)["slots"] == model.slots
    assert timedelta(minutes=30) * len(model.slots) == timedelta(days=1)
