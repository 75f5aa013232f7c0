"""What the tables of a schema are made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, MetaData, TypeDecorator

from chargecloud.domain.order_rows import instant_ms, instant_of


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds of Unix time: it sorts, and means the same
    on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database."""
        return None if value is None else instant_ms(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else instant_of(value)


#: constraints have names, so that a later revision can change them on every engine
NAMES = {
    "uq": "%(table_name)s_%(column_0_N_name)s_once",
    "ck": "%(table_name)s_%(constraint_name)s",
}

metadata = MetaData(naming_convention=NAMES)
