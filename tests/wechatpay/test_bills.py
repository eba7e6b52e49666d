"""The trade bill, from the sandbox's books through our reader."""

import gzip
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.sandbox.wechatpay import bills as sandbox_bills
from bot.sandbox.wechatpay.desk import Desk
from services.adapters.wechatpay import bills
from services.adapters.wechatpay.bills import fetch_bill, read_bill
from services.domain.errors import OutcomeUnknown, Unavailable
from services.ports import Bill
from tests.wechatpay.conftest import START, Town
from tests.wechatpay.test_wire import paid

DAY = START.date()


async def test_payments_and_refunds_of_a_day(town: Town) -> None:
    first, second = await paid(town), await paid(town)
    await town.gateway.refund(order_no=first, request_no="R1", amount=Decimal("100.50"), reason="退款")
    town.advance(days=1)
    await paid(town)
    town.advance(hours=1)
    lines = (await fetch_bill(town.client, DAY)).lines
    assert [(line.order_no, line.total, line.request_no) for line in lines] == [
        (first, Decimal("400.00"), None),
        (second, Decimal("400.00"), None),
        (first, Decimal("100.50"), "R1"),
    ]
    facts = await town.gateway.query(second)
    assert (lines[1].trade_no, lines[1].at) == (facts.trade_no, facts.paid_at)


async def test_a_day_without_anything_is_empty_and_today_is_too_early(town: Town) -> None:
    assert await fetch_bill(town.client, DAY - timedelta(days=3)) == Bill(day=DAY - timedelta(days=3))
    with pytest.raises(Unavailable, match="bill_not_ready"):
        await fetch_bill(town.client, DAY)


async def test_an_unsigned_promise_is_no_bill(town: Town) -> None:
    await paid(town)
    town.advance(days=1, hours=1)
    await town.fault("bill", "wrong_signature")
    with pytest.raises(OutcomeUnknown, match="gateway_not_genuine"):
        await fetch_bill(town.client, DAY)


async def test_another_file_than_was_promised_is_no_bill(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await paid(town)
    town.advance(days=1, hours=1)
    good = await sandbox_bills.write(Desk(books=town.books, keys=town.keys, base_url=""), DAY)
    download = town.client.download

    async def cut(url: str) -> bytes:
        return (await download(url))[:-9]

    monkeypatch.setattr(town.client, "download", cut)
    with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
        await fetch_bill(town.client, DAY)
    for old, new in (
        ("400.00", "401.00"),
        ("`1,", "`2,"),
        ("总交易单数", "总数"),
        ("商户订单号", "订单号"),
        ("SUCCESS", "ODD"),
    ):
        with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
            read_bill(new.join(good.decode().rsplit(old, 1)).encode(), DAY)
    with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
        read_bill("\r\n".join(good.decode().splitlines()[:-1]).encode(), DAY)
    assert len(read_bill(b"\xef\xbb\xbf" + good, DAY)) == 1


async def test_bytes_that_differ_from_the_signed_hash_are_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid(town)
    town.advance(days=1, hours=1)

    async def other(_url: str) -> bytes:
        return gzip.compress(b"another file")

    monkeypatch.setattr(town.client, "download", other)
    with pytest.raises(OutcomeUnknown, match="gateway_not_genuine"):
        await fetch_bill(town.client, DAY)


def test_a_file_that_does_not_end_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills, "MAX_BILL_BYTES", 1000)
    assert bills.unpack(gzip.compress(b"x" * 1000)) == b"x" * 1000
    with pytest.raises(OutcomeUnknown, match="bill_too_large"):
        bills.unpack(gzip.compress(b"x" * 1001))


async def test_rows_that_came_twice_count_as_the_sums_count_them(town: Town) -> None:
    await paid(town)
    town.advance(days=1, hours=1)
    good = (await sandbox_bills.write(Desk(books=town.books, keys=town.keys, base_url=""), DAY)).decode()
    header, row, *sums = good.splitlines()
    twice = "\r\n".join([header, row, row, *sums]).encode()
    assert read_bill(twice, DAY) == read_bill(good.encode(), DAY)
    counted = ",".join(["`2", "`800.00", "`0.00", "`0.00", "`0.00", "`800.00", "`0.00"])
    assert len(read_bill("\r\n".join([header, row, row, sums[0], counted]).encode(), DAY)) == 2


async def test_files_come_from_the_platform_only(town: Town) -> None:
    for url in ("", "http://elsewhere/v3/billdownload/file?token=1", "file:///etc/passwd"):
        with pytest.raises(OutcomeUnknown, match="gateway_unreadable"):
            await town.client.download(url)
    with pytest.raises(OutcomeUnknown, match="gateway_failed"):
        await town.client.download(f"{town.url}/v3/billdownload/file?token=2026-11-23.99999999999.abc")
