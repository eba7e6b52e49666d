"""The trade bill of a day (`protocols` 8): fetched, compared with its hash, read.

The file is CSV in UTF-8 with a header; every value begins with a backtick. After the rows stand a header and
one row of sums. Columns are found by their titles. A file whose sums do not agree with its rows is no file.
"""

import csv
import hashlib
import io
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from services.adapters.clock import SHANGHAI
from services.adapters.wechatpay.client import MAX_BILL_BYTES, Rejected, WechatPayClient
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.money import yuan
from services.ports import Bill, BillKind, BillLine

PATH = "/v3/bill/tradebill"
NO_BILL, NOT_YET = "NO_STATEMENT_EXIST", "STATEMENT_CREATING"
COUNT = "总交易单数"
KINDS = {"SUCCESS": BillKind.PAID, "REFUND": BillKind.REFUND}
COLUMNS = {BillKind.PAID: ("订单金额", "应结订单金额"), BillKind.REFUND: ("申请退款金额", "退款金额")}
"""The whole of a movement, and what of it is ours: less where the merchant has paid with a coupon."""
SUMS = {
    BillKind.PAID: ("订单总金额", "应结订单总金额"),
    BillKind.REFUND: ("申请退款总金额", "退款总金额"),
}
GZIP = 16 + zlib.MAX_WBITS


async def fetch_bill(client: WechatPayClient, day: date) -> Bill:
    """The movements of `day`, there from about 10:00 of the next; empty when there is no file.

    `Unavailable("bill_not_ready")`, `Refused("gateway_refused")`; `OutcomeUnknown` for a file that is not
    what its signed answer promised.
    """
    target = f"{PATH}?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
    try:
        answer = await client.call("GET", target)
    except Rejected as rejected:
        if rejected.code == NO_BILL:
            return Bill(day=day)
        if rejected.code == NOT_YET:
            raise Unavailable("bill_not_ready") from rejected
        raise Refused("gateway_refused", sub_code=rejected.code) from rejected
    content = unpack(await client.download(str(answer.get("download_url", ""))))
    hashed = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if answer.get("hash_type") != "SHA1" or answer.get("hash_value") != hashed:
        raise OutcomeUnknown("gateway_not_genuine")
    return Bill(day=day, lines=tuple(read_bill(content, day)), sha256=hashlib.sha256(content).hexdigest())


def unpack(packed: bytes) -> bytes:
    """`OutcomeUnknown` for what is not a whole gzip file, and for more than we can hold."""
    reader = zlib.decompressobj(GZIP)
    try:
        content = reader.decompress(packed, MAX_BILL_BYTES + 1)
    except zlib.error as error:
        raise OutcomeUnknown("bill_unreadable") from error
    if len(content) > MAX_BILL_BYTES:
        raise OutcomeUnknown("bill_too_large")
    if not reader.eof:
        raise OutcomeUnknown("bill_unreadable")
    return content


def read_bill(content: bytes, day: date) -> list[BillLine]:
    """`OutcomeUnknown("bill_unreadable")` unless the whole file makes sense and is of this day."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        found, sums = _tables([[cell.removeprefix("`").strip() for cell in row] for row in rows if row])
        lines = _agreeing([_line(row) for row in found], sums)
    except (UnicodeDecodeError, csv.Error, KeyError, ValueError, InvalidOperation, StopIteration) as error:
        raise OutcomeUnknown("bill_unreadable") from error
    if any(line.at.date() != day for line in lines):
        raise OutcomeUnknown("bill_unreadable")
    return lines


def _tables(rows: Sequence[Sequence[str]]) -> tuple[list[dict[str, str]], dict[str, str]]:
    end = next(index for index, row in enumerate(rows) if row[0] == COUNT)
    sums = dict(zip(rows[end], rows[end + 1], strict=True)) if end + 1 < len(rows) else {}
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:end]], sums


def _line(row: Mapping[str, str]) -> BillLine:
    kind = KINDS[row["交易状态"]]  # no other kind was asked for
    total, received = (yuan(row[name]) for name in COLUMNS[kind])
    if not row["商户订单号"] or not Decimal(0) <= received <= total:
        raise ValueError("a movement that can't be")
    return BillLine(
        order_no=row["商户订单号"],
        trade_no=row["微信订单号"],
        kind=kind,
        total=total,
        received=received,
        at=datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        request_no=row["商户退款单号"] if kind is BillKind.REFUND else None,
    )


def _agreeing(lines: list[BillLine], sums: Mapping[str, str]) -> list[BillLine]:
    """The rows, or the rows without those that came twice: whichever the sums have counted."""
    for candidate in (lines, list(dict.fromkeys(lines))):
        if int(sums[COUNT]) == len(candidate) and all(_adds_up(candidate, kind, sums) for kind in BillKind):
            return candidate
    raise ValueError("the sums do not agree with the rows")


def _adds_up(lines: Sequence[BillLine], kind: BillKind, sums: Mapping[str, str]) -> bool:
    found = [line for line in lines if line.kind is kind]
    total = sum((line.total for line in found), Decimal("0.00"))
    received = sum((line.received for line in found), Decimal("0.00"))
    return (total, received) == tuple(yuan(sums[name]) for name in SUMS[kind])
