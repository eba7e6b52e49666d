"""The trade bill of a day (`protocols` 8): fetched, compared with its hash, read.

The file is CSV in UTF-8 with a header; every value begins with a backtick. After the rows stand a header and
one row of sums. Columns are found by their titles. A file whose sums do not agree with its rows is no file.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from services.adapters.clock import SHANGHAI
from services.adapters.wechatpay.client import Rejected, WechatPayClient
from services.domain.errors import OutcomeUnknown, Refused
from services.domain.money import yuan

PATH = "/v3/bill/tradebill"
NO_BILL = "NO_STATEMENT_EXIST"
COUNT = "总交易单数"
PAID, REFUNDED = "SUCCESS", "REFUND"


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One movement. A refund has `request_no`, and `amount` is what was given back."""

    order_no: str
    trade_no: str
    amount: Decimal
    at: datetime
    request_no: str | None = None


async def fetch_bill(client: WechatPayClient, day: date) -> list[BillLine]:
    """The movements of `day`, there from about 10:00 of the next. None at all is an empty list.

    `Refused("gateway_refused")`; `OutcomeUnknown` for a file that is not what its signed answer promised.
    """
    target = f"{PATH}?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
    try:
        answer = await client.call("GET", target)
    except Rejected as rejected:
        if rejected.code == NO_BILL:
            return []
        raise Refused("gateway_refused", sub_code=rejected.code) from rejected
    packed = await client.download(str(answer.get("download_url", "")))
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise OutcomeUnknown("gateway_unreadable") from error
    hashed = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if answer.get("hash_type") != "SHA1" or answer.get("hash_value") != hashed:
        raise OutcomeUnknown("gateway_not_genuine")
    return read_bill(content)


def read_bill(content: bytes) -> list[BillLine]:
    """`OutcomeUnknown("gateway_unreadable")` unless the whole file makes sense."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        found, sums = _tables([[cell.removeprefix("`").strip() for cell in row] for row in rows if row])
        lines = [_line(row) for row in found]
        agree = int(sums[COUNT]) == len(found)
        agree = agree and yuan(sums["订单总金额"]) == _sum(lines, refunds=False)
        agree = agree and yuan(sums["申请退款总金额"]) == _sum(lines, refunds=True)
    except (UnicodeDecodeError, csv.Error, KeyError, ValueError, InvalidOperation, StopIteration) as error:
        raise OutcomeUnknown("gateway_unreadable") from error
    if not agree:
        raise OutcomeUnknown("gateway_unreadable")
    return lines


def _tables(rows: Sequence[Sequence[str]]) -> tuple[list[dict[str, str]], dict[str, str]]:
    end = next(index for index, row in enumerate(rows) if row[0] == COUNT)
    sums = dict(zip(rows[end], rows[end + 1], strict=True)) if end + 1 < len(rows) else {}
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:end]], sums


def _line(row: Mapping[str, str]) -> BillLine:
    refund, status = row["商户退款单号"], row["交易状态"]
    if status not in {PAID, REFUNDED}:
        raise ValueError("a row of another kind than was asked for")
    is_refund = status == REFUNDED
    return BillLine(
        order_no=row["商户订单号"],
        trade_no=row["微信订单号"],
        amount=yuan(row["申请退款金额" if is_refund else "订单金额"]),
        at=datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        request_no=refund if is_refund else None,
    )


def _sum(lines: Sequence[BillLine], *, refunds: bool) -> Decimal:
    return sum((line.amount for line in lines if bool(line.request_no) is refunds), Decimal("0.00"))
