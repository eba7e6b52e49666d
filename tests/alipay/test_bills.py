"""Alipay's bill: the packed file in all its oddities, from the sandbox's books through our reader (`reliability` R8)."""

import io
import zipfile
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal

import httpx2
import pytest

from bot.sandbox.alipay import bills as sandbox_bills
from bot.sandbox.alipay.desk import Desk
from services.adapters.alipay import bills, client
from services.adapters.alipay.bills import entry_name, read_bill, unpack
from services.domain.errors import OutcomeUnknown
from services.domain.ids import order_number
from services.ports import BillKind
from tests.alipay.conftest import START, Town

DAY = START.date()
TOTAL = Decimal("400.00")


async def paid(town: Town) -> str:
    number = order_number("GZ1")
    cashier = await town.gateway.place(
        order_no=number, total=TOTAL, subject="社会保险费", expires_at=town.expires()
    )
    await town.pay(cashier.cashier_url)
    return number


async def refund(town: Town, number: str, amount: str = "100.50", request_no: str = "R1") -> None:
    await town.gateway.refund(order_no=number, request_no=request_no, amount=Decimal(amount), reason="退款")


async def discount(town: Town, number: str, amount: str) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(
            f"{town.base}/sandbox/alipay/console", json={"out_trade_no": number, "discount": amount}
        )
    assert answer.status_code == 200, answer.text


async def written(town: Town, day: date = DAY) -> str:
    """The detail file as it lies in the zip."""
    desk = Desk(books=town.books, keys=town.keys, base_url="")
    return next(iter((await sandbox_bills.write(desk, day)).values()))


def read(town: Town, text: str, day: date = DAY) -> list[tuple[str, Decimal]]:
    bill = read_bill(text.encode("gbk"), day, seller_id=town.keys.alipay_seller_id)
    return [(line.order_no, line.total) for line in bill.lines]


def packed(content: bytes, *more: bytes, name: str = "20886_20261123_业务明细.csv") -> bytes:
    """A zip as Alipay packs it; its first entry has the name."""
    instead = "x" * len(name.encode("gbk"))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(instead, content)
        for number, other in enumerate(more):
            archive.writestr(f"other{number}.csv", other)
    return whole.getvalue().replace(instead.encode(), name.encode("gbk"))


# --- the file as it is ------------------------------------------------------------------------------------


async def test_names_are_gbk_without_saying_so(town: Town) -> None:
    await paid(town)
    desk = Desk(books=town.books, keys=town.keys, base_url="")
    content = sandbox_bills.pack(desk, DAY, await sandbox_bills.write(desk, DAY))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert [entry.flag_bits & 0x800 for entry in archive.infolist()] == [0, 0]
        assert [entry_name(entry) for entry in archive.infolist()] == [
            f"{town.keys.alipay_seller_id}0156_20261123_业务明细.csv",
            f"{town.keys.alipay_seller_id}0156_20261123_业务明细(汇总).csv",
        ]
    assert unpack(content) == (await written(town)).encode("gbk")


def test_a_name_that_says_it_is_utf_8_is_taken_at_its_word() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("20886_20261123_业务明细.csv", b"content")
    assert unpack(whole.getvalue()) == b"content"


async def test_lines_end_either_way_and_cells_end_with_a_tab(town: Town) -> None:
    number = await paid(town)
    text = await written(town)
    assert f"{number}\t,交易\t," in text
    assert text.count("\r\n") == text.count("\n")
    assert read(town, text) == read(town, text.replace("\r\n", "\n")) == [(number, TOTAL)]


async def test_columns_are_found_by_their_titles(town: Town) -> None:
    number = await paid(town)
    await refund(town, number)
    lines = (await written(town)).split("\r\n")
    first = lines.index(sandbox_bills.COLUMNS)
    for index in range(first, first + 3):
        cells = lines[index].split(",")
        lines[index] = ",".join(["新列\t", *reversed(cells), "又一列\t"])
    assert read(town, "\r\n".join(lines)) == [(number, TOTAL), (number, Decimal("100.50"))]
    plain = (await written(town)).replace("（元）", "(元)")
    assert len(read(town, plain)) == 2


async def test_a_comma_at_the_end_of_each_row_is_no_column(town: Town) -> None:
    await paid(town)
    text = await written(town)
    row = next(line for line in text.split("\r\n") if "交易\t" in line)
    assert len(read(town, text.replace(row, row + ",,"))) == 1


async def test_rows_that_came_twice_count_as_the_tail_counts_them(town: Town) -> None:
    number = await paid(town)
    text = await written(town)
    row = next(line for line in text.split("\r\n") if "交易\t" in line)
    twice = text.replace(row, f"{row}\r\n{row}")
    assert read(town, twice) == [(number, TOTAL)]
    counted = twice.replace("交易合计：1笔，商家实收共400.00元", "交易合计：2笔，商家实收共800.00元")
    assert read(town, counted) == [(number, TOTAL)] * 2


async def test_a_merchants_discount_is_what_is_missing(town: Town) -> None:
    number = await paid(town)
    await discount(town, number, "12.34")
    await refund(town, number, "200.00")
    town.advance(days=1)
    first, second = (await town.gateway.fetch_bill(DAY)).lines
    assert (first.total, first.received) == (TOTAL, Decimal("387.66"))
    assert (second.total, second.received) == (Decimal("200.00"), Decimal("193.83"))
    assert (await town.gateway.query(number)).received == Decimal("387.66")


async def test_a_whole_refund_without_a_number_has_the_orders(town: Town) -> None:
    number = await paid(town)
    await refund(town, number, "400.00", request_no="R1")
    text = (await written(town)).replace("R1\t", "\t")
    bill = read_bill(text.encode("gbk"), DAY, seller_id=town.keys.alipay_seller_id)
    assert (bill.lines[1].kind, bill.lines[1].request_no) == (BillKind.REFUND, number)


# --- what is no file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new",
    [
        ("400.00,400.00", "401.00,401.00"),
        ("交易合计：1笔", "交易合计：2笔"),
        ("商家实收共400.00元", "商家实收共399.99元"),
        ("商家优惠共0.00元", "商家优惠共0.01元"),
        ("退款合计：1笔", "退款合计：0笔"),
        ("退款共-100.50元", "退款共-0.50元"),
        ("#退款合计", "#合计"),
        ("商户订单号", "订单号"),
        ("交易\t", "转账\t"),
        ("400.00,400.00", "400.0O,400.00"),
        ("400.00,400.00", "300.00,400.00"),
        ("2026年11月23日 00:00:00]   终止", "2026年11月22日 00:00:00]   终止"),
        ("#账号：[", "#账号：[1"),
        ("#支付宝业务明细查询", "#支付宝业务汇总查询"),
        ("2026-11-23 10:", "2026-11-22 10:"),
    ],
)
async def test_a_file_that_does_not_agree_with_itself_is_no_file(town: Town, old: str, new: str) -> None:
    await refund(town, await paid(town))
    text = await written(town)
    assert old in text
    with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
        read(town, text.replace(old, new))


async def test_no_part_of_a_file_is_a_file(town: Town) -> None:
    await refund(town, await paid(town))
    text = await written(town)
    for length in range(0, text.index("]", text.index("#导出时间")), 7):
        with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
            read(town, text[:length])
    whole = packed(text.encode("gbk"))
    for length in range(0, len(whole), 11):
        with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
            unpack(whole[:length])
    for content in (b"\xff\xff\xff", b"", text.encode("utf-16")):
        with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
            read_bill(content, DAY, seller_id=town.keys.alipay_seller_id)


@pytest.mark.parametrize("name", ["业务明细(汇总).csv", "业务.csv"])
def test_a_zip_without_the_detail_file_is_no_bill(name: str) -> None:
    with pytest.raises(OutcomeUnknown, match="bill_unreadable"):
        unpack(packed(b"x", name=name))


def test_bytes_that_were_changed_on_the_way_are_no_bill() -> None:
    whole = bytearray(packed(bytes(range(256)) * 50))
    for place in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        with suppress(OutcomeUnknown):
            assert unpack(bytes(changed)) == bytes(range(256)) * 50  # a byte that says nothing


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills, "MAX_BYTES", 1000)
    assert unpack(packed(b"x" * 1000)) == b"x" * 1000
    with pytest.raises(OutcomeUnknown, match="bill_too_large"):
        unpack(packed(b"x" * 1001))
    lying = packed(b"x" * 1_000_000).replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(OutcomeUnknown):
        unpack(lying)
    with pytest.raises(OutcomeUnknown, match="bill_too_large"):
        unpack(packed(b"x", *[b"y"] * 20))


# --- fetching it -----------------------------------------------------------------------------------------


async def test_a_dead_address_is_asked_for_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await paid(town)
    town.advance(days=1)
    download, asked = town.client.download, []

    async def too_late(url: str) -> bytes | None:
        asked.append(url)
        if len(asked) < 3:
            town.advance(seconds=31)
        return await download(url)

    monkeypatch.setattr(town.client, "download", too_late)
    assert len((await town.gateway.fetch_bill(DAY)).lines) == 1
    assert len(set(asked)) == 3
    asked.clear()
    monkeypatch.setattr(bills, "TRIES", 2)
    with pytest.raises(OutcomeUnknown, match="bill_address_dead"):
        await town.gateway.fetch_bill(DAY)


async def test_an_address_lives_thirty_seconds_and_is_nobody_elses(town: Town) -> None:
    await paid(town)
    town.advance(days=1)
    answer = await town.client.call(bills.METHOD, {"bill_type": "trade", "bill_date": DAY.isoformat()})
    url = answer["bill_download_url"]
    assert await town.client.download(url)
    town.advance(seconds=25)
    assert await town.client.download(url)
    town.advance(seconds=10)
    assert await town.client.download(url) is None
    assert await town.client.download(url.replace("2026-11-23", "2026-11-24")) is None
    assert await town.client.download(f"{url.rsplit('/', 1)[0]}/x") is None


async def test_a_download_that_does_not_end_is_left(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await paid(town)
    town.advance(days=1)
    monkeypatch.setattr(client, "MAX_FILE_BYTES", 100)
    with pytest.raises(OutcomeUnknown, match="bill_too_large"):
        await town.gateway.fetch_bill(DAY)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/y"])
async def test_only_web_addresses_are_fetched(town: Town, url: str) -> None:
    with pytest.raises(OutcomeUnknown, match="gateway_unreadable"):
        await town.client.download(url)


async def test_other_kinds_and_days_that_are_none_are_refused(town: Town) -> None:
    for biz in (
        {"bill_type": "signcustomer", "bill_date": "2026-11-23"},
        {"bill_type": "trade", "bill_date": "x"},
    ):
        with pytest.raises(client.Rejected, match="invalid-arguments"):
            await town.client.call(bills.METHOD, biz)


async def test_what_is_done_in_the_console_is_in_the_books(town: Town) -> None:
    number = await paid(town)
    async with httpx2.AsyncClient() as http:
        console = f"{town.base}/sandbox/alipay/console"
        done = await http.post(console, json={"out_trade_no": number, "refund": "400.00"})
        assert done.status_code == 200
        for body in ({"out_trade_no": number}, {"out_trade_no": number, "refund": "-1"}, []):
            assert (await http.post(console, json=body)).status_code == 400
        assert (await http.post(console, json={"out_trade_no": "X", "refund": "1"})).status_code == 409
    town.advance(days=1)
    line = (await town.gateway.fetch_bill(DAY)).lines[1]
    assert (line.order_no, line.request_no) == (number, done.json()["out_request_no"])
    assert await town.gateway.fetch_bill(DAY - timedelta(days=1))
