"""Files that are taken along: nothing in them is a formula, and a link is for a few minutes and downloads."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import func, select

from services.exports import Bar, Column, Exports, Table
from services.exports.chart import WIDTH, draw_chart
from services.exports.spreadsheet import harmless, write_workbook
from services.settings import Settings
from services.store.exports import ExportRow
from services.store.links import BROWSERS
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock

PERSON, CHAT = "person-1", "rest:resident-1"
TABLE = Table(
    title="社保费已缴费查询",
    columns=[
        Column(title="险种", width=20),
        Column(title="金额（元）", width=12),
        Column(title="入库日期", width=12),
    ],
    rows=[
        ["居民医保", Decimal("400.00"), date(2025, 11, 5)],
        ['=HYPERLINK("http://x")', Decimal("380.00"), None],
    ],
    notes=["+共2条"],
    mark="演示数据",
)


@pytest.fixture
async def exports(database: Database, clock: FixedClock) -> Exports:
    vault = Vault(database, clock, root_key=bytes(range(32)))
    await vault.prepare()
    settings = Settings(_env_file=None, public_url="https://shebao.example")
    return Exports(database=database, clock=clock, vault=vault, settings=settings, secret=b"s" * 32)


def token(url: str) -> str:
    assert url.startswith("https://shebao.example/exports/")
    return url.rpartition("/")[2]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("居民医保") == "居民医保"


def test_no_cell_is_a_formula(clock: FixedClock) -> None:
    with ZipFile(BytesIO(write_workbook(TABLE, clock.now()))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "'=HYPERLINK" in strings
    assert "'+共2条" in strings
    assert "<v>400.00</v>" in sheet


async def test_a_list_as_spreadsheet_and_as_page(exports: Exports) -> None:
    sheet, page = await exports.hand_out(TABLE, person_id=PERSON, conversation_id=CHAT)
    workbook, pdf = await exports.open_file(token(sheet.url)), await exports.open_file(token(page.url))
    picture = await exports.open_file(token(page.preview_url))
    assert workbook is not None
    assert pdf is not None
    assert picture is not None
    assert (workbook.form, pdf.form, picture.form) == ("xlsx", "pdf", "png")
    text = PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    assert "居民医保" in text
    assert "400.00" in text
    assert "2025-11-05" in text


async def test_a_link_is_used_up_and_expires(exports: Exports, clock: FixedClock) -> None:
    sheet, page = await exports.hand_out(TABLE, person_id=PERSON, conversation_id=CHAT)
    for _ in range(3):
        assert await exports.open_file(token(sheet.url)) is not None
    assert await exports.open_file(token(sheet.url)) is None
    assert await exports.open_file(token(page.url)[:-1] + "!") is None
    assert await exports.open_file("x" * 500) is None
    clock.advance(minutes=10)
    assert await exports.open_file(token(page.url)) is None
    assert await exports.open_file(token(page.preview_url)) is None


async def test_a_link_that_was_given_to_a_browser_opens_in_no_other(exports: Exports) -> None:
    mine = f"{BROWSERS}1"
    for link in await exports.hand_out(TABLE, person_id=PERSON, conversation_id=mine):
        for other in (None, "", CHAT, f"{BROWSERS}2"):
            assert await exports.open_file(token(link.url), browser=other) is None
        assert await exports.open_file(token(link.url), browser=mine) is not None


async def test_a_picture_may_be_looked_at_often(exports: Exports) -> None:
    bars = [Bar(label="2026年", value=Decimal(400), caption="400元")]
    url = await exports.show_chart("每年缴的社保费", bars, person_id=PERSON, conversation_id=CHAT)
    for _ in range(5):
        assert await exports.open_file(token(url)) is not None


async def test_nothing_is_kept_in_the_clear_and_nothing_longer_than_its_link(
    exports: Exports, database: Database, clock: FixedClock
) -> None:
    await exports.hand_out(TABLE, person_id=PERSON, conversation_id=CHAT)
    async with database.read() as session:
        for row in await session.scalars(select(ExportRow)):
            assert not row.content.startswith((b"PK", b"%PDF", b"\x89PNG"))
    clock.advance(minutes=11)
    await exports.purge()
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(ExportRow)) == 0


@pytest.mark.parametrize("values", [[], [0], [400, 0, 10547]])
def test_a_chart_has_a_row_for_each_year(values: list[int]) -> None:
    bars = [Bar(label=f"{2024 + n}年", value=Decimal(v), caption=f"{v}元") for n, v in enumerate(values)]
    image = Image.open(BytesIO(draw_chart("每年缴的社保费", bars, "只算已入库的")))
    assert image.width == WIDTH
    assert image.height > 72 * len(bars)
