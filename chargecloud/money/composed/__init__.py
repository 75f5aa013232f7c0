"""A tariff put together of the customs of China's charging."""
