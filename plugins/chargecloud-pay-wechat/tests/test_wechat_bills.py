"""The bill of a day, as WeChat writes it."""

import gzip
from datetime import datetime
from hashlib import sha1

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargecloud.domain.channel import BillKind, BillRow
from chargecloud_pay_wechat.bills import rows, unpacked
from chargecloud_pay_wechat.errors import NoAnswer
from chargecloud_pay_wechat.orders import CHINA, attached
from wechat_gateway import APP, MERCHANT, SUMS, TITLES

TENANT = 7


def line(
    state: str = "SUCCESS",
    amount: str = "5.00",
    back: str = "0.00",
    subject: str = "charging",
    mark: str = attached(TENANT),
    refund_state: str = "",
    merchant: str = MERCHANT,
) -> str:
    """A row of a bill."""
    values = f"2026-11-23 18:00:00|{APP}|{merchant}|0||4200|123456|openid|NATIVE|{state}|OTHERS|CNY"
    values += f"|{amount}|0.00|5030|654321|{back}|0.00|ORIGINAL|{refund_state}|{subject}|{mark}"
    values += f"|0.00000|0.60%|{amount}|{back}|"
    return ",".join(f"`{value}" for value in values.split("|"))


def bill(*lines: str) -> str:
    """A bill of some rows."""
    return "\r\n".join((TITLES, *lines, SUMS, "`1,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00")) + "\r\n"


def read(text: str) -> list[BillRow]:
    """What it has of one tenant."""
    return list(rows(text, MERCHANT, TENANT))


def digest(text: bytes) -> str:
    """As WeChat gives it."""
    return sha1(text, usedforsecurity=False).hexdigest()


def test_what_came_and_what_went_back() -> None:
    """Each with the merchant's own number, WeChat's, and what was asked for."""
    at = datetime(2026, 11, 23, 18, tzinfo=CHINA)
    assert read(bill(line(), line("REFUND", "0.00", "1.23", refund_state="SUCCESS"))) == [
        BillRow(kind=BillKind.PAYMENT, number="123456", transaction="4200", amount_fen=500, at=at),
        BillRow(kind=BillKind.REFUND, number="654321", transaction="5030", amount_fen=123, at=at),
    ]


@given(st.integers(0, 2**40))
@settings(deadline=None)
def test_amounts_to_the_fen(fen: int) -> None:
    """None is rounded."""
    (row,) = read(bill(line(amount=f"{fen // 100}.{fen % 100:02}")))
    assert row.amount_fen == fen


@given(st.text(st.sampled_from("充电,`\"'; \t🔌=+-@\x0b\x0c\x1e\x85\u2028"), max_size=20))
@settings(deadline=None)
def test_what_people_wrote(subject: str) -> None:
    """Commas and quotes of theirs are in no other column."""
    (row,) = read(bill(line(subject=subject)))
    assert (row.number, row.amount_fen) == ("123456", 500)


def test_whose_rows_they_are() -> None:
    """Another tenant's of the same merchant are left out; what nobody has marked is not."""
    others = line(mark=attached(8)), line(mark=attached(70)), line(merchant="1900000110")
    assert len(read(bill(*others, line(), line(mark=""), line(mark="a shop")))) == 3


def test_a_refund_that_failed_has_not_gone_back() -> None:
    """One that is on its way is in the bill, as ours is in our books."""
    lines = (line("REFUND", back="1.00", refund_state=state) for state in ("FAIL", "PROCESSING"))
    assert len(read(bill(*lines))) == 1


def test_a_day_of_nothing() -> None:
    """Titles and sums."""
    assert read(bill()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        TITLES,
        f"{TITLES}\r\n{line()}\r\n",
        bill(line() + ",`more"),
        bill("`1,`2"),
        bill(line(amount="5.001")),
        bill(line(amount="free")),
        bill(line()).replace("2026-11-23", "yesterday"),
        bill(line()).replace("商户订单号", "other"),
        '{"code": "SYSTEM_ERROR"}',
    ],
)
def test_bills_that_are_none(text: str) -> None:
    """Of one that is cut off, nothing is believed to be missing."""
    with pytest.raises(NoAnswer):
        read(text)


def test_how_it_is_packed() -> None:
    """The digest is that of the text; a mark of its encoding is no title."""
    text = ("\ufeff" + bill(line())).encode()
    assert len(read(unpacked(gzip.compress(text), digest(text).upper()))) == 1


@pytest.mark.parametrize(
    "packed",
    [b"", b"no gzip", gzip.compress(b"other"), gzip.compress(b"a" * 99)[:-9]],
    ids=["nothing", "not packed", "another", "cut off"],
)
def test_damaged_on_the_way(packed: bytes) -> None:
    """It is not read at all."""
    with pytest.raises(NoAnswer):
        unpacked(packed, digest(b"a" * 99))


def test_a_bill_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no more memory than a bill may have."""
    monkeypatch.setattr("chargecloud_pay_wechat.bills.MOST_UNPACKED", 1_000)
    with pytest.raises(NoAnswer, match="1000 bytes"):
        unpacked(gzip.compress(b"a" * 1_001), digest(b"a" * 1_001))
    assert unpacked(gzip.compress(b"a" * 1_000), digest(b"a" * 1_000))
