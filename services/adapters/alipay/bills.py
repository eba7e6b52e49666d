"""The bill of a day (`protocols` 5): its address asked for, fetched at once, unpacked, read, added up.

A zip with two files whose names are GBK without saying so; the content is GBK too. Columns are found by their
titles. A file whose tail does not agree with its rows is no file.
"""

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from services.adapters.alipay.client import AlipayClient, Rejected
from services.adapters.clock import SHANGHAI
from services.domain.bills import ready_at
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.money import yuan
from services.ports import Bill, BillKind, BillLine

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
NO_BILL = "isp.bill_not_exist"
TRIES = 3
"""An address is dead after 30 s: then a new one is asked for."""
MAX_ENTRIES, MAX_BYTES = 8, 256_000_000
UTF8_NAME = 0x800
DETAIL = "业务明细.csv"
TITLE = "#支付宝业务明细查询"
KINDS = {"交易": BillKind.PAID, "退款": BillKind.REFUND}
ACCOUNT = re.compile(r"#账号：\[<?(\d+)>?\]")
SINCE = re.compile(r"#起始日期：\[(\d{4})年(\d{2})月(\d{2})日 00:00:00\]")
SUMS = {
    BillKind.PAID: re.compile(r"#交易合计：(\d+)笔，商家实收共(-?[\d.]+)元，商家优惠共(-?[\d.]+)元"),
    BillKind.REFUND: re.compile(
        r"#退款合计：(\d+)笔，商家实收退款共(-?[\d.]+)元，商家优惠退款共(-?[\d.]+)元"
    ),
}
EXPORTED = "#导出时间"

Sums = dict[BillKind, tuple[int, Decimal, Decimal]]


async def fetch_bill(client: AlipayClient, day: date, *, seller_id: str) -> Bill:
    """Empty when there is none. `Unavailable("bill_not_ready")` if it may still come."""
    for _ in range(TRIES):
        try:
            answer = await client.call(METHOD, {"bill_type": "trade", "bill_date": day.isoformat()})
        except Rejected as rejected:
            if rejected.sub_code != NO_BILL:
                raise Refused("gateway_refused", sub_code=rejected.sub_code) from rejected
            if client.now() < ready_at(day, SHANGHAI):
                raise Unavailable("bill_not_ready") from rejected
            return Bill(day=day)
        packed = await client.download(str(answer.get("bill_download_url", "")))
        if packed is not None:
            return read_bill(unpack(packed), day, seller_id=seller_id)
    raise OutcomeUnknown("bill_address_dead")


def unpack(packed: bytes) -> bytes:
    """The file of the single movements. `OutcomeUnknown` for anything else, and for more than we can hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise OutcomeUnknown("bill_too_large")
            [wanted] = [entry for entry in entries if entry_name(entry).endswith(DETAIL)]
            with archive.open(wanted) as file:
                content = file.read(MAX_BYTES + 1)  # what the header says of the size proves nothing
    # NotImplementedError: packed in a way that zipfile does not know
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError) as error:
        raise OutcomeUnknown("bill_unreadable") from error
    if len(content) > MAX_BYTES:
        raise OutcomeUnknown("bill_too_large")
    return content


def entry_name(entry: zipfile.ZipInfo) -> str:
    """What Python took for cp437 is GBK, unless the entry says that it is UTF-8."""
    if entry.flag_bits & UTF8_NAME:
        return entry.filename
    return entry.filename.encode("cp437").decode("gbk")


def read_bill(content: bytes, day: date, *, seller_id: str) -> Bill:
    """`OutcomeUnknown("bill_unreadable")` unless the whole file makes sense and is this day's, of ours."""
    try:
        text = content.decode("gb18030").replace("\r\n", "\n").split("\n")
        _check_head(text, day, seller_id)
        lines = _agreeing(_lines(text), _sums(text))
        if any(line.at.date() != day for line in lines):
            raise ValueError("a movement of another day")
    except (csv.Error, KeyError, ValueError, InvalidOperation, StopIteration) as error:
        raise OutcomeUnknown("bill_unreadable") from error
    said = "\n".join(line for line in text if not line.startswith(EXPORTED))  # not when it was asked for
    return Bill(day=day, lines=tuple(lines), sha256=hashlib.sha256(said.encode()).hexdigest())


def _check_head(text: Sequence[str], day: date, seller_id: str) -> None:
    """The account is the seller's number, which some files write with more digits behind it."""
    account = next(found[1] for line in text if (found := ACCOUNT.match(line)))
    since = next(found for line in text if (found := SINCE.match(line)))
    ended = any(line.startswith(EXPORTED) and line.endswith("]") for line in text)  # the last line of all
    if not ended or text[0] != TITLE or not account.startswith(seller_id):
        raise ValueError("not our bill")
    if date(int(since[1]), int(since[2]), int(since[3])) != day:
        raise ValueError("the bill of another day")


def _lines(text: Sequence[str]) -> list[BillLine]:
    rows = csv.reader(line for line in text if line.strip() and not line.startswith("#"))
    titles, *found = [[cell.strip() for cell in row] for row in rows]
    header = [title.replace("(", "（").replace(")", "）") for title in titles]
    return [_line(dict(zip(header, _fitted(row, len(header)), strict=True))) for row in found]


def _fitted(row: list[str], width: int) -> list[str]:
    """Without the empty cells that a comma at the end of a row makes."""
    while len(row) > width and not row[-1]:
        row = row[:-1]
    return row


def _line(row: Mapping[str, str]) -> BillLine:
    kind = KINDS[row["业务类型"]]
    sign = -1 if kind is BillKind.REFUND else 1
    total, received = sign * yuan(row["订单金额（元）"]), sign * yuan(row["商家实收（元）"])
    request_no = row["退款批次号/请求号"]
    if not row["商户订单号"] or not row["支付宝交易号"] or (request_no and kind is BillKind.PAID):
        raise ValueError("a movement without its number")
    if kind is BillKind.REFUND and not request_no:
        request_no = row["商户订单号"]  # a whole refund that was given no number of its own has the order's
    if not Decimal(0) <= received <= total:
        raise ValueError("amounts that can't be")
    return BillLine(
        order_no=row["商户订单号"],
        trade_no=row["支付宝交易号"],
        kind=kind,
        total=total,
        received=received,
        at=datetime.strptime(row["完成时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        request_no=request_no or None,
    )


def _sums(text: Sequence[str]) -> Sums:
    """What the tail says: how many, what came or went, and the merchant's discounts."""
    found = {kind: next(m for line in text if (m := pattern.match(line))) for kind, pattern in SUMS.items()}
    return {kind: (int(m[1]), abs(yuan(m[2])), abs(yuan(m[3]))) for kind, m in found.items()}


def _agreeing(lines: list[BillLine], sums: Sums) -> list[BillLine]:
    """The rows, or the rows without those that came twice: whichever the tail has counted."""
    for candidate in (lines, list(dict.fromkeys(lines))):
        if {kind: _added(candidate, kind) for kind in BillKind} == sums:
            return candidate
    raise ValueError("the tail does not agree with the rows")


def _added(lines: Sequence[BillLine], kind: BillKind) -> tuple[int, Decimal, Decimal]:
    found = [line for line in lines if line.kind is kind]
    received = sum((line.received for line in found), Decimal("0.00"))
    return len(found), received, sum((line.total for line in found), Decimal("0.00")) - received
