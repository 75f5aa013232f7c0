"""The bill of a day: Alipay's zip against our books."""

import struct
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alipay_gateway import HEADER, LocalAlipay, Trade, bill_line
from alipay_till import AlipayTill
from chargecloud.domain.channel import BillKind
from chargecloud_pay_alipay.bills import read_bill, store_of

DAY = "2026-11-23"


@pytest.fixture
def till(tmp_path: Path) -> AlipayTill:
    """A platform whose people pay by Alipay."""
    return AlipayTill(tmp_path)


def paid_and_part_back(till: AlipayTill) -> Any:
    """5 yuan that came, of which 2 went back, and the day is over."""
    payment = till.pay(till.open(customer_id=till.world.customer(0)))
    body = {"amount_fen": 200, "reason": "a"}
    till.world.make(f"/payments/{payment['id']}/refunds", body)
    till.clock.advance(20 * 3_600)
    return payment


def reconciled(till: AlipayTill) -> Any:
    """The bill of the day, gone through."""
    return till.world.make("/payments/reconciliations", {"channel": "alipay", "day": DAY})


def test_a_bill_that_agrees(till: AlipayTill) -> None:
    """All that came and went back, and not a difference; nobody is told."""
    paid_and_part_back(till)
    found = reconciled(till)
    assert till.asked("data.dataservice.bill.downloadurl.query") == [
        {"bill_type": "trade", "bill_date": DAY}
    ]
    counted = (found["payments"], found["paid_fen"], found["refunds"], found["refunded_fen"])
    assert counted == (1, 500, 1, 200)
    assert found["differences"] == []
    assert till.alarms("payments-differ") == []


def test_a_bill_that_differs(till: AlipayTill) -> None:
    """Each case with both sides: another amount, what we do not know, what it does not have."""
    payment = paid_and_part_back(till)
    trade = till.alipay.trades[payment["id"]]
    at = str(trade.paid_at)
    till.alipay.bill_lines = [
        bill_line(trade, payment["id"], "交易", 600, at),
        bill_line(trade, "other", "交易", 1, at),
    ]
    found = {(each["differs"], each["kind"]) for each in reconciled(till)["differences"]}
    assert found == {("amount", "payment"), ("unknown", "payment"), ("missing", "refund")}
    assert len(till.alarms("payments-differ")) == 1


def test_a_bill_by_itself(till: AlipayTill) -> None:
    """From 11 o'clock on, the next day; one that cannot be had yet is looked for again."""
    paid_and_part_back(till)
    till.alipay.manners.questions_lost = 1
    for _ in range(8):
        till.clock.advance(3_600)
    days = [each["day"] for each in till.world.get("/payments/reconciliations")["items"]]
    assert DAY in days


def test_a_day_without_a_bill(till: AlipayTill) -> None:
    """Nothing came by Alipay's account: what came by ours is missing."""
    paid_and_part_back(till)
    method = "alipay.data.dataservice.bill.downloadurl.query"
    till.alipay.manners.refuses[method] = "isp.bill_not_exist"
    assert [each["differs"] for each in reconciled(till)["differences"]] == ["missing"] * 2


@pytest.mark.parametrize("url", ["None", "file:///etc/passwd", "ftp://a/b"])
def test_a_url_that_is_none(till: AlipayTill, url: str) -> None:
    """It is not fetched."""
    paid_and_part_back(till)
    method = "alipay.data.dataservice.bill.downloadurl.query"
    till.alipay.manners.says[method] = {"code": "10000", "bill_download_url": url}
    body = {"channel": "alipay", "day": DAY}
    assert till.world.http("POST", "/payments/reconciliations", body)[0] == 503


# --------------------------------------------------------------------------- the zip itself


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip."""
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def table_of(*lines: str, header: str = HEADER) -> bytes:
    """A zip with one table."""
    text = "\r\n".join(["#支付宝业务明细查询", header, *lines, "#合计", ""])
    return zipped({"a.csv": text.encode("gbk")})


def trade(store: str = "", trade_no: str = "2026112822001") -> Trade:
    """One that was paid."""
    content = {"total_amount": "1.00", "store_id": store}
    return Trade(content, "", trade_no=trade_no, paid_at="2026-11-23 08:00:00")


AT = "2026-11-23 08:00:00"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(BillKind)),
            st.integers(1, 10**17),
            st.integers(1, 10**9),
        ),
        max_size=6,
    )
)
def test_each_line_is_read(lines: list[tuple[BillKind, int, int]]) -> None:
    """Numbers without the tabs behind them, amounts without their signs, times in UTC."""
    written = [
        bill_line(trade(), "7", "退款", -fen, AT, str(number))
        if kind is BillKind.REFUND
        else bill_line(trade(), str(number), "交易", fen, AT)
        for kind, number, fen in lines
    ]
    rows = read_bill(table_of(*written), 1)
    assert [(row.kind, int(row.number), row.amount_fen) for row in rows] == lines
    assert {row.at for row in rows} <= {datetime(2026, 11, 23, tzinfo=UTC)}
    assert {row.transaction for row in rows} <= {"2026112822001"}


def test_an_account_that_several_tenants_share() -> None:
    """Each has its own lines, and those that are nobody's by their mark."""
    shared = table_of(
        bill_line(trade(store_of(1)), "1", "交易", 1, AT),
        bill_line(trade(store_of(2)), "2", "交易", 2, AT),
        bill_line(trade("shop 5"), "3", "交易", 3, AT),
        bill_line(trade(), "4", "交易", 4, AT),
    )
    assert [row.number for row in read_bill(shared, 1)] == ["1", "3", "4"]
    assert [row.number for row in read_bill(shared, 2)] == ["2", "3", "4"]


def test_columns_elsewhere_and_lines_of_other_kinds() -> None:
    """Columns are known by their names, with the unit or without; other kinds are told of."""
    header = HEADER.replace("订单金额", "订单 金额").replace("商家实收", "订单金额")
    odd: list[str] = []
    data = table_of(
        bill_line(trade(), "1", "交易", 150, AT),
        bill_line(trade(), "2", "转账", 1, AT),
        header=header,
    )
    assert [row.amount_fen for row in read_bill(data, 1, odd.append)] == [150]
    assert odd == ["转账"]


@pytest.mark.parametrize("subject", ['充电, 3 号, "B"口', '"', ",", "a\x0bb\x1ec"])
def test_what_people_wrote(subject: str) -> None:
    """Commas, quotes and separators of theirs are in no other column; nothing is quoted there."""
    line = bill_line(trade(), "1", "交易", 150, AT).replace("充电", subject)
    rows = read_bill(table_of(line, bill_line(trade(), "2", "交易", 1, AT)), 1)
    assert [(row.number, row.amount_fen) for row in rows] == [("1", 150), ("2", 1)]


def test_a_comma_behind_all_that_is_read() -> None:
    """As in the remark of a refund: nothing is where it is not."""
    line = bill_line(trade(), "1", "交易", 150, AT) + ", and more"
    (row,) = read_bill(table_of(line), 1)
    assert (row.number, row.amount_fen) == ("1", 150)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "no zip"),
        (b"<html>expired</html>", "no zip"),
        (zipped({}), "0 tables"),
        (zipped({"a.csv": b"", "b.csv": b""}), "2 tables"),
        (zipped({"a.csv": b""}), "no column"),
        (table_of("a,b"), "too short"),
        (table_of(bill_line(trade(), "1", "交易", 1, "soon")), "."),
        (table_of(header=HEADER.replace("退款批次号/请求号", "x")), "no column"),
        (table_of()[:-40], "no zip"),
    ],
)
def test_what_is_no_bill(data: bytes, what: str) -> None:
    """It is told, and no line of it is taken."""
    with pytest.raises(ValueError, match=what):
        read_bill(data, 1)


def test_a_bill_that_would_fill_the_memory() -> None:
    """By its own account of itself."""
    data = bytearray(table_of())
    # the size in the directory at the end (APPNOTE 4.3.12)
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 2**31)
    with pytest.raises(ValueError, match="more than"):
        read_bill(bytes(data), 1)


def test_the_local_gateways_bill() -> None:
    """It is in GBK, with a summary beside it."""
    alipay = LocalAlipay(lambda: 0.0)
    with ZipFile(BytesIO(alipay.bill())) as archive:
        assert len(archive.namelist()) == 2
    assert read_bill(alipay.bill(), 1) == []
