"""What is on the paper: every field as text that readers get out, the same bytes twice, nothing as a box."""

import hashlib
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader

from services.certificates.facts import Numbering, in_order, payment_record_facts, tax_certificate_facts
from services.certificates.layout import get_layout, kinds
from services.certificates.press import CannotPrint, Press
from services.certificates.signing import Signer
from services.domain.kinds import IdType
from services.domain.people import Person
from services.ports import FeeRecord
from tests.certificates.conftest import NAME, NUMBER, months, record
from tests.conftest import FixedClock

RESIDENT_MEDICAL = record()
PENSION_HALF_YEAR = replace(
    months(6)[-1], record_id="half", fee_period="2026-01/2026-06", amount=Decimal("5273.64")
)
NUMBERING = Numbering(
    number="GZ1C7K3M9Q2X8ABCDE",
    code="ABCD2345EFGH6789",
    issued_on=date(2026, 11, 23),
    verify_url="https://sb.example/verify/GZ1C7K3M9Q2X8ABCDE?code=ABCD2345EFGH6789",
    demo=True,
)


def facts_of(*records: FeeRecord, name: str = NAME, **numbering: Any) -> dict[str, Any]:
    person = Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name=name)
    return payment_record_facts(person, 2026, in_order(records), replace(NUMBERING, **numbering))


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def squeezed(pdf: bytes) -> str:
    """All text without spaces and line breaks: cells are wrapped."""
    return "".join("".join(pages_of(pdf)).split())


async def test_every_field_can_be_read(press: Press, clock: FixedClock) -> None:
    facts = facts_of(RESIDENT_MEDICAL, PENSION_HALF_YEAR)
    paper = await press.make("payment_record", facts, clock.now())
    text = squeezed(paper.pdf)
    for value in (
        "国家税务总局贵州省税务局", "社会保险费缴费记录凭证", "GZ1C7K3M9Q2X8ABCDE", "2026年11月23日",
        "ABCD2345EFGH6789", NAME, "居民身份证", NUMBER, "2026年", "是否代缴否", "2笔",
        "城乡居民基本医疗保险费", "城乡居民个人缴纳", "2026-01-01", "2026-12-31", "400.00", "2025-11-05",
        "国家税务总局贵阳市云岩区税务局", "云岩区医疗保障局", "452015251190000001",
        "企业职工基本养老保险费", "灵活就业人员缴纳", "2026-06-30", "4,394.70", "20%", "5,273.64",
        "人民币伍仟陆佰柒拾叁元陆角肆分", "¥5,673.64", "第1页共1页", "演示数据，不具有法律效力",
        "税务机关（业务专用章）",
    ):  # fmt: skip
        assert value in text, value
    other_reader = pypdfium2.PdfDocument(paper.pdf)[0].get_textpage().get_text_range()
    assert NAME in other_reader
    assert "5,273.64" in other_reader


async def test_the_same_facts_give_the_same_bytes(clock: FixedClock, signer: Signer) -> None:
    facts = facts_of(RESIDENT_MEDICAL)
    made = []
    for _ in range(2):
        press = Press(signer)
        made += [await press.make("payment_record", facts, clock.now()) for _ in range(2)]
        press.close()
    assert len({paper.pdf for paper in made}) == 1
    assert len({paper.preview for paper in made}) == 1
    assert made[0].sha256 == hashlib.sha256(made[0].pdf).hexdigest()


async def test_a_refund_is_a_line_of_its_own(press: Press, clock: FixedClock) -> None:
    part = replace(PENSION_HALF_YEAR, refunded_on=date(2026, 9, 1))
    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL, part), clock.now())
    text = squeezed(paper.pdf)
    assert "-5,273.64" in text
    assert "2026-09-01" in text
    assert "人民币肆佰元整" in text
    assert "2笔" in text


async def test_a_long_year_goes_on_overleaf(press: Press, clock: FixedClock) -> None:
    twice = [replace(m, record_id=f"{m.record_id}b", refunded_on=date(2026, 12, 1)) for m in months(12)]
    paper = await press.make("payment_record", facts_of(*months(12), *twice), clock.now())
    pages = pages_of(paper.pdf)
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert NUMBERING.number in page
        assert "电子税票号码" in page
        assert f"第{number}页共{len(pages)}页" in page.replace(" ", "")
    assert "金额合计" in pages[-1]
    assert "36" in pages[-1]


async def test_language_title_and_no_personal_data_beside_the_text(press: Press, clock: FixedClock) -> None:
    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL), clock.now())
    reader = PdfReader(io.BytesIO(paper.pdf))
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"
    assert reader.metadata is not None
    assert reader.metadata.title == "社会保险费缴费记录凭证"
    told = str(reader.metadata) + str(reader.xmp_metadata)
    assert NAME not in told
    assert NUMBER not in told


async def test_words_are_tagged_in_the_order_of_reading(press: Press, clock: FixedClock) -> None:
    paper = await press.make("payment_record", facts_of(*months(12)), clock.now())
    root = PdfReader(io.BytesIO(paper.pdf)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    tags = [tag.get_object() for tag in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    assert {tag["/S"] for tag in tags} == {"/P", "/H1", "/Figure"}
    assert all("/Alt" in tag for tag in tags if tag["/S"] == "/Figure")
    pages = [
        page.get_contents().get_data().decode("latin-1") for page in PdfReader(io.BytesIO(paper.pdf)).pages
    ]
    assert sum(page.count("/MCID") for page in pages) == len(tags)
    for page in pages:
        assert page.count("BDC") + page.count("BMC") == page.count("EMC")


async def test_no_watermark_on_a_real_paper(press: Press, clock: FixedClock) -> None:
    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL, demo=False), clock.now())
    assert "演示" not in squeezed(paper.pdf)


@pytest.mark.parametrize(
    "name", ["王㐱玥", "赵𬀩", "买买提·吐尔逊江·阿卜杜热西提", "李龘", "王䶮", "张犇骉羴"]
)
async def test_rare_names_are_printed(press: Press, clock: FixedClock, name: str) -> None:
    text = squeezed(
        (await press.make("payment_record", facts_of(RESIDENT_MEDICAL, name=name), clock.now())).pdf
    )
    assert name in text
    assert "[U+" not in text


async def test_what_no_font_has_is_printed_as_its_code(press: Press, clock: FixedClock) -> None:
    facts = facts_of(RESIDENT_MEDICAL, name="王\U0010fffd")
    text = squeezed((await press.make("payment_record", facts, clock.now())).pdf)
    assert "王[U+10FFFD]" in text
    assert "国际编码" in text


async def test_the_picture_is_the_first_page(press: Press, clock: FixedClock) -> None:
    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL), clock.now())
    picture = Image.open(io.BytesIO(paper.preview))
    assert picture.format == "PNG"
    assert picture.width > picture.height > 800
    assert len(paper.preview) < 400_000


async def test_the_scan_code_leads_to_verification(press: Press, clock: FixedClock) -> None:
    """Module by module: what is drawn is what the code of the address looks like."""
    import segno

    paper = await press.make("payment_record", facts_of(RESIDENT_MEDICAL), clock.now())
    rows = segno.make(NUMBERING.verify_url, error="m", micro=False).matrix
    page = pypdfium2.PdfDocument(paper.pdf)[0]
    scale = 6.0
    mm = scale * 72 / 25.4
    picture = page.render(scale=scale).to_pil().convert("L")
    corner = picture.crop((picture.width - int(38 * mm), 0, picture.width, int(28.4 * mm)))
    found = corner.point(lambda value: 255 if value < 60 else 0).getbbox()
    assert found is not None
    left, top, right, _ = found
    module = (right - left) / len(rows)
    for y, row in enumerate(rows):
        for x, wanted in enumerate(row):
            at = (int(left + (x + 0.5) * module), int(top + (y + 0.5) * module))
            assert (corner.getpixel(at) < 128) == bool(wanted), (x, y)


async def test_a_press_that_died_is_started_again(clock: FixedClock, signer: Signer) -> None:
    press, facts = Press(signer), facts_of(RESIDENT_MEDICAL)
    first = await press.make("payment_record", facts, clock.now())
    assert press._child is not None
    press._child.kill()
    press._child.wait()
    again = await press.make("payment_record", facts, clock.now())
    assert again.pdf == first.pdf
    with pytest.raises(CannotPrint):
        await press.make("payment_record", {}, clock.now())
    assert (await press.make("payment_record", facts, clock.now())).pdf == first.pdf
    press.close()


def test_layouts_are_data() -> None:
    assert kinds() == {"payment_record", "tax_certificate"}
    with pytest.raises(LookupError):
        get_layout("items")
    with pytest.raises(LookupError):
        get_layout("../secret")


async def test_a_tax_certificate_of_many_lines_bears_its_number_on_each_page(
    press: Press, clock: FixedClock
) -> None:
    lines = [replace(m, record_id=f"{m.record_id}{n}") for n in range(4) for m in months(10)]
    person = Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name="㛃𬭛")
    facts = tax_certificate_facts(
        person, in_order(lines), NUMBERING, issue=1, first_issued_on=date(2025, 9, 10)
    )
    paper = await press.make("tax_certificate", facts, clock.now())
    pages = ["".join(page.split()) for page in pages_of(paper.pdf)]
    assert len(pages) == 3
    for place, page in enumerate(pages, start=1):
        assert f"No.{NUMBERING.number}" in page
        assert f"第{place}页共3页" in page
        assert "税收完税证明" in page
    for value in (
        "中华人民共和国",
        NUMBER,
        "㛃𬭛",
        "填发日期：2026年11月23日",
        "国家税务总局贵阳市云岩区税务局",
    ):
        assert value in pages[0], value
    for value in ("补开（第1次），首次填发日期：2025年9月10日", "¥35,157.60", "税务机关（盖章）", "填票人"):
        assert value in pages[2], value


async def test_a_year_of_months_fits_on_one_page(press: Press, clock: FixedClock) -> None:
    """Names of offices and numbers of tickets as long as the usual ones, none of them broken."""
    year = [
        replace(
            month,
            agency_name="云岩区社保经办机构",
            ticket_no=f"4520152{place:02}090000000",
            amount=Decimal("5273.64"),
            base=Decimal("26368.20"),
        )
        for place, month in enumerate(months(12), start=1)
    ]
    paper = await press.make("payment_record", facts_of(*year), clock.now())
    (page,) = pages_of(paper.pdf)
    for value in ("国家税务总局贵阳市云岩区税务局", "云岩区社保经办机构", "452015212090000000", "26,368.20"):
        assert value in page
    tickets = [replace(month, ticket_no="452015251190000001") for month in months(12)]
    person = Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name=NAME)
    facts = tax_certificate_facts(
        person, in_order(tickets), NUMBERING, issue=1, first_issued_on=date(2026, 1, 2)
    )
    assert len(pages_of((await press.make("tax_certificate", facts, clock.now())).pdf)) == 1
