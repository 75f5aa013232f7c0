"""The bill of a day: a zip with tables in GBK, of which one has each trade and each refund
(https://opendocs.alipay.com/open/204/106262)."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from zipfile import BadZipFile, ZipFile, ZipInfo

from chargecloud.domain.channel import BillKind, BillRow
from chargecloud_pay_alipay.wording import fen_of, instant

#: of the zip, and of the table in it: a million trades
MOST_ZIP, MOST_TABLE = 64 * 1024 * 1024, 512 * 1024 * 1024
#: a bit of the name of each file's member, that it is no UTF-8
_NO_UTF8 = 0x800
_SUMMARY = "汇总"
#: what stands behind a column's name: of which unit it is
_UNIT = re.compile("[(\N{FULLWIDTH LEFT PARENTHESIS}].*")
_COLUMNS = {
    "transaction": "支付宝交易号",
    "payment": "商户订单号",
    "kind": "业务类型",
    "at": "完成时间",
    "store": "门店编号",
    "amount": "订单金额",
    "refund": "退款批次号/请求号",
    "subject": "商品名称",
}
_KINDS = {"交易": BillKind.PAYMENT, "退款": BillKind.REFUND}
_STORE = "tenant_"


def store_of(tenant_id: int) -> str:
    """What tells a tenant's trades from those of others who are paid through the same account."""
    return f"{_STORE}{tenant_id}"


def read_bill(
    data: bytes, tenant_id: int, odd: Callable[[str], None] = lambda _kind: None
) -> Sequence[BillRow]:
    """
    A tenant's lines: all but those that are marked as another tenant's.

    @param data: the zip.
    @param odd: told of each line that is neither a trade nor a refund, by what it calls itself.
    @raise ValueError: if it is no such bill.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            detail = _detail(archive.infolist())
            with archive.open(detail) as table:
                lines = TextIOWrapper(table, encoding="gb18030", newline="")
                return list(_rows(lines, tenant_id, odd))
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"the bill is no zip that can be read: {error}") from error


def _detail(members: Sequence[ZipInfo]) -> ZipInfo:
    found = [
        each
        for each in members
        if each.filename.lower().endswith(".csv") and _SUMMARY not in _name(each)
    ]
    if len(found) != 1:
        raise ValueError(f"the bill has {len(found)} tables of trades")
    if found[0].file_size > MOST_TABLE:
        raise ValueError(f"the bill has more than {MOST_TABLE} bytes")
    return found[0]


def _name(member: ZipInfo) -> str:
    if member.flag_bits & _NO_UTF8:
        return member.filename
    # what is not marked as UTF-8 was read as the code page of the first PCs
    return member.filename.encode("cp437").decode("gb18030", "replace")


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


def _rows(
    lines: Iterator[str] | TextIOWrapper, tenant_id: int, odd: Callable[[str], None]
) -> Iterator[BillRow]:
    # nothing is quoted there: a quote is one that somebody wrote
    table = csv.reader((each for each in lines if not each.startswith("#")), quoting=csv.QUOTE_NONE)
    header = [_UNIT.sub("", each).strip() for each in next(table, [])]
    places = {name: _place(header, title) for name, title in _COLUMNS.items()}
    for line in table:
        if not any(each.strip() for each in line):
            continue
        if len(line) < len(header):
            raise ValueError(f"line {table.line_num} of the bill is too short")
        # commas are where people wrote them: in the subject, if what is behind it is in its place
        # then, and else behind all that is read here
        more, subject = len(line) - len(header), places["subject"]
        if more and _is_instant(line[places["at"] + more]):
            line[subject : subject + more + 1] = [",".join(line[subject : subject + more + 1])]
        said = {name: line[place].strip() for name, place in places.items()}
        kind = _KINDS.get(said["kind"])
        if kind is None:
            odd(said["kind"])
        elif not said["store"].startswith(_STORE) or said["store"] == store_of(tenant_id):
            yield _row(kind, said)


def _place(header: Sequence[str], title: str) -> int:
    try:
        return header.index(title)
    except ValueError:
        raise ValueError(f"the bill has no column {title}") from None


def _row(kind: BillKind, said: Mapping[str, str]) -> BillRow:
    return BillRow(
        kind=kind,
        number=said["payment" if kind is BillKind.PAYMENT else "refund"],
        transaction=said["transaction"],
        # what goes back is below zero
        amount_fen=abs(fen_of(said["amount"])),
        at=instant(said["at"]),
    )
