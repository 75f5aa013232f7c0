"""Many rows in one statement: each value comes back as it was given, on each engine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    select,
)
from sqlalchemy.exc import IntegrityError

from chargecloud.storage.many import changing, inserting
from chargecloud.storage.schema import Instant
from tests.harness import clock_at, open_store

pytestmark = pytest.mark.every

things = Table(
    "things",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("words", String(60)),
    Column("body", JSON(none_as_null=True)),
    Column("bytes", LargeBinary),
    Column("number", Float(53)),
    Column("yes", Boolean),
    Column("at", Instant),
)
NAMES = tuple(column.name for column in things.columns)

# a NUL is in no text of PostgreSQL; surrogates are no characters
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60) | st.text(
    "\\'\"%{},;:`-_ \n\t\x1aNUL", max_size=60
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "words": st.none() | words,
            "body": st.none() | st.dictionaries(words, words | st.integers(-9, 9), max_size=3),
            "bytes": st.none() | st.binary(max_size=40),
            "number": st.none() | st.floats(-1e9, 1e9, allow_subnormal=False),
            "yes": st.none() | st.booleans(),
            "at": st.none()
            | st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        }
    ),
    min_size=1,
    max_size=12,
).map(lambda some: [{"id": number, **row} for number, row in enumerate(some)])


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """To a database with a table of every type."""
    engine = open_store(tmp_path, clock_at()).engine
    things.create(engine)
    with engine.connect() as opened:
        yield opened
        opened.rollback()
    engine.dispose()


# the table is emptied each time
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, rows)
def test_what_is_written_is_read(
    connection: Connection, made: list[dict[str, object]], changed: list[dict[str, object]]
) -> None:
    """Whatever quotes, signs and emptinesses are in it."""
    connection.execute(delete(things))
    dialect = connection.dialect
    assert inserting(dialect, things, NAMES).run(connection, made) == len(made)
    assert everything(connection) == made
    both = changed[: len(made)]
    columns = {f"new_{name}": things.c[name] for name in NAMES}
    change = changing(
        dialect,
        columns,
        ["new_id"],
        lambda given: (
            things.update()
            .where(things.c.id == given("new_id"))
            .values({name: given(f"new_{name}") for name in NAMES[1:]})
        ),
    )
    assert change.run(
        connection, [{f"new_{name}": row[name] for name in NAMES} for row in both]
    ) == len(both)
    assert everything(connection) == both + made[len(both) :]


@pytest.mark.servers
def test_a_fault_tells_nothing_of_the_rows(connection: Connection) -> None:
    """It goes into logs: names and numbers of people are not for them."""
    rows = [dict.fromkeys(NAMES) | {"id": 1, "words": "Li Wei"} for _ in range(2)]
    with pytest.raises(IntegrityError) as fault:
        inserting(connection.dialect, things, NAMES).run(connection, rows)
    assert "Li Wei" not in str(fault.value)
    assert "INSERT INTO things" in str(fault.value).replace("`", "").replace('"', "")


def everything(connection: Connection) -> list[dict[str, object]]:
    """All rows by their number."""
    found = connection.execute(select(things).order_by(things.c.id)).mappings()
    return [dict(row) for row in found]
