"""Files of residents: what is accepted, and one clear line for what is not."""

import asyncio
import sys
from pathlib import Path

import pytest
import yaml

from bot.sandbox import residents
from bot.sandbox.books import Books
from services.domain.kinds import Insurance, InsuredGroup, RecordKind
from tests.bureau.conftest import ANNA, Town, enrolment, id_number, person, resident
from tests.bureau.test_what_is_due import paid

ROOT = Path(__file__).parents[2]
PLAIN = f"""
residents:
  - name: 安然
    id_number: {ANNA.id_number}
    alipay_user_id: 2088123412341234
    birth_date: 1985-06-15
    marks:
    enrolments:
      - {{insured_group: flexible_employment, insurance: pension, agency: 520103, status: active, since: 2021-03}}
    assessed_arrears:
      - {{insured_group: flexible_employment, insurance: pension, agency: 520103, period: 2023-01/2023-12, amount: 9600.00}}
    payments:
      - {{insured_group: flexible_employment, insurance: pension, agency: 520103, fee_period: 2025-01/2025-12,
         amount: 10547.28, paid_at: 2025-11-03 09:12:00, booked_on: 2025-11-05}}
    tier_choices:
      - {{tier: 60%, base: 4394.7, from: 2025-01, to: 2025-12, validity: valid}}
    declarations:
      - {{insured_group: flexible_employment, insurance: pension, agency: 520103, fee_period: 2025-01/2025-12,
         total: 10547.28, declared_at: 2025-11-03T10:00:00+08:00, status: 已缴, channel: 支付宝}}
"""


async def test_values_may_stand_without_quotation_marks(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "plain.yml"
    file.write_text(PLAIN, encoding="utf-8")
    assert await residents.load_file(town.books, file) == 1
    found = await residents.find_resident(town.books, alipay_user_id="2088123412341234")
    assert found is not None
    assert found.id_number == ANNA.id_number
    [record] = await town.client.find_records(ANNA, RecordKind.PAID)
    assert (record.tier, str(record.base), str(record.rate)) == ("60%", "4394.70", "0.20")
    assert record.paid_at is not None
    assert record.paid_at.isoformat() == "2025-11-03T09:12:00+08:00"
    [declared] = await town.client.find_records(ANNA, RecordKind.DECLARATION)
    assert (declared.status, str(declared.declared_on)) == ("paid", "2025-11-03")
    [choice] = await town.client.find_records(ANNA, RecordKind.TIER_CHOICE)
    assert (choice.valid_from, choice.valid_to, choice.valid) == ("2025-01", "2025-12", True)


RIGHT = resident(enrolments=[enrolment(InsuredGroup.RESIDENT, Insurance.MEDICAL)])
FEE = paid(InsuredGroup.RESIDENT, Insurance.MEDICAL, fee_year=2026)


@pytest.mark.parametrize(
    "change, line",
    [
        ({"id_number": "520103198506150001"}, "residents[2]: id_number is wrong (check_digit)"),
        ({"id_number": "52010319850230000"}, "residents[2]: id_number is wrong (length)"),
        ({"id_type": "学生证"}, "residents[2].id_type: "),
        ({"name": ""}, "residents[2].name: "),
        ({"nickname": "小安"}, "residents[2].nickname: Extra inputs are not permitted"),
        (
            {"enrolments": [{"insurance": "pension"}]},
            "residents[2].enrolments[1].insured_group: Field required",
        ),
        (
            {"enrolments": [enrolment(InsuredGroup.RESIDENT, Insurance.MEDICAL, agency="999999")]},
            "residents[2].enrolments[1].agency: is no division of Guizhou",
        ),
        (
            {"enrolments": [enrolment(InsuredGroup.RESIDENT, Insurance.MEDICAL, since="March")]},
            "residents[2].enrolments[1].since: must be a month such as 2021-03",
        ),
        (
            {"enrolments": [enrolment(InsuredGroup.RESIDENT, Insurance.MEDICAL, status="sleeping")]},
            "residents[2].enrolments[1].status: ",
        ),
        ({"payments": [{**FEE, "amount": "-1.00"}]}, "residents[2].payments[1].amount: must be yuan"),
        ({"payments": [{**FEE, "amount": "4.005"}]}, "residents[2].payments[1].amount: must be yuan"),
        ({"payments": [{**FEE, "paid_at": "yesterday"}]}, "residents[2].payments[1].paid_at: "),
        (
            {"payments": [{**FEE, "fee_year": None}]},
            "residents[2].payments[1]: needs fee_year or fee_period",
        ),
        ({"tier_choices": [{"tier": "much"}]}, "residents[2].tier_choices[1].tier: must be a tier"),
        ({"id_number": ANNA.id_number}, "the file: residents: two of them have the same id_number"),
    ],
)
async def test_a_bad_file_is_told_in_one_line_and_changes_nothing(
    town: Town, change: dict[str, object], line: str
) -> None:
    other = resident(person("安康", "52010319600101000"))
    with pytest.raises(ValueError) as problem:
        await town.load(RIGHT, {**other, **change})
    told = str(problem.value)
    assert told.startswith(f"people.yml: {line}")
    assert "\n" not in told
    assert "安" not in told
    assert ANNA.id_number not in told
    assert await residents.find_resident(town.books, id_number=ANNA.id_number) is None


@pytest.mark.parametrize(
    "text, line",
    [
        ("residents: [", "not YAML, line 1"),
        ("just words", "the file: "),
        ("people: []", "residents: Field required"),
        ("residents: {}", "residents: "),
        ("residents:\n- {name: 甲, id_number: 1, birth_date: 2026-13-45}", "not YAML in UTF-8"),
    ],
)
async def test_what_is_no_residents_file_is_told_in_one_line(
    books: Books, tmp_path: Path, text: str, line: str
) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as problem:
        await residents.load_file(books, file)
    assert str(problem.value).startswith(f"bad.yml: {line}")
    assert "\n" not in str(problem.value)


async def test_a_missing_or_binary_file_is_told_in_one_line(books: Books, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        await residents.load_file(books, tmp_path / "missing.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match="not YAML in UTF-8"):
        await residents.load_file(books, tmp_path / "binary.yml")


async def test_of_two_times_the_one_of_the_insured_group_counts(town: Town) -> None:
    both = {"fee_year": 2026, "fee_period": "2026-01/2026-06"}
    flexible = paid(InsuredGroup.FLEXIBLE, Insurance.PENSION, **both)
    await town.load({**RIGHT, "payments": [flexible, {**FEE, **both}]})
    found = await town.client.find_records(ANNA, RecordKind.PAID)
    assert {(record.fee_year, record.fee_period) for record in found} == {
        (2026, None),
        (None, "2026-01/2026-06"),
    }


async def test_a_resident_is_replaced_by_id_number(town: Town) -> None:
    await town.load({**RIGHT, "payments": [FEE], "mobile": "13900000000"})
    await town.load({**RIGHT, "enrolments": [], "alipay_user_id": "2088000011112222"})
    assert await town.client.find_enrolments(ANNA) == ()
    assert await town.client.find_records(ANNA, RecordKind.PAID) == ()
    assert await residents.list_accounts(town.books) == [("2088000011112222", "安然")]


async def test_a_payment_that_is_loaded_again_keeps_its_numbers(town: Town) -> None:
    await town.load({**RIGHT, "payments": [FEE]})
    before = await town.client.find_records(ANNA, RecordKind.PAID)
    later = paid(InsuredGroup.RESIDENT, Insurance.MEDICAL, fee_year=2025, paid_at="2024-11-03T09:12:00+08:00")
    await town.load({**RIGHT, "payments": [later, FEE]})
    after = await town.client.find_records(ANNA, RecordKind.PAID)
    assert len(after) == 2
    assert before[0] in after


async def test_an_account_that_is_given_to_somebody_else_moves(town: Town) -> None:
    await town.load({**RIGHT, "alipay_user_id": "2088000011112222"})
    await town.load({**resident(person("安康", "52010319600101000")), "alipay_user_id": "2088000011112222"})
    assert await residents.list_accounts(town.books) == [("2088000011112222", "安康")]
    await residents.load_shipped(town.books)
    assert ("2088000011112222", "安康") in await residents.list_accounts(town.books)


async def test_another_process_may_load_while_the_bureau_answers(town: Town) -> None:
    await town.load(RIGHT)
    newcomer = person("安康", "52010319600101000")
    file = town.folder / "more.yml"
    file.write_text(yaml.safe_dump({"residents": [resident(newcomer)]}, allow_unicode=True), encoding="utf-8")
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from bot.sandbox import residents; from bot.sandbox.books import Books\n"
        "from services.adapters.clock import SandboxClock\n"
        "async def main():\n"
        "    folder = Path(sys.argv[1]); books = Books(folder, SandboxClock(folder / 'sandbox-clock.json'))\n"
        "    await books.open(); print(await residents.load_file(books, Path(sys.argv[2]))); await books.close()\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(town.books.data_dir),
        str(file),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    while process.returncode is None:
        await town.client.find_enrolments(ANNA)
        await asyncio.sleep(0.05)
        if process.stdout is not None and process.stdout.at_eof():
            await process.wait()
    assert await town.client.find_enrolments(newcomer) == ()


def test_the_helper_makes_right_check_digits() -> None:
    assert id_number("52000019900307123") == "520000199003071238"
