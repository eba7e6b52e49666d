"""The shipped people: they load, belong to nobody, and show what the rules are for."""

import yaml

from bot.sandbox import residents
from bot.sandbox.books import Books
from bot.sandbox.residents_file import ResidentsFile
from services.domain.kinds import IdType, Insurance, RecordKind
from services.domain.people import Person
from tests.bureau.conftest import Town

SHIPPED = ResidentsFile.model_validate(
    yaml.safe_load(residents.SHIPPED.read_text(encoding="utf-8"))
).residents


def shipped(name: str) -> Person:
    found = next(resident for resident in SHIPPED if resident.name == name)
    return Person(id_type=found.id_type, id_number=found.id_number, name=found.name)


def test_every_number_has_the_sequence_that_is_never_issued() -> None:
    assert len(SHIPPED) >= 12
    assert {resident.id_number[14:17] for resident in SHIPPED} == {"000"}


async def test_loading_them_twice_changes_nothing(books: Books) -> None:
    assert await residents.load_shipped(books) == len(SHIPPED)
    assert await residents.load_shipped(books) == 0
    assert len(await residents.list_accounts(books)) == len([r for r in SHIPPED if r.alipay_user_id])


async def test_they_are_found_by_number_and_by_account(books: Books) -> None:
    await residents.load_shipped(books)
    wanted = shipped("陈家豪")
    by_number = await residents.find_resident(books, id_number=wanted.id_number)
    assert by_number is not None
    assert by_number.id_type is IdType.HK_MACAO_RESIDENCE_PERMIT
    assert by_number.alipay_user_id is not None
    assert await residents.find_resident(books, alipay_user_id=by_number.alipay_user_id) == by_number
    assert await residents.find_resident(books, alipay_user_id="2088") is None
    assert wanted.name not in repr(by_number)


async def test_what_each_of_them_owes_on_the_day_of_the_examples(town: Town) -> None:
    await residents.load_shipped(town.books)
    owed = {}
    for one in SHIPPED:
        found = await town.client.find_enrolments(shipped(one.name))
        owed[one.name] = [(e.insurance.value, e.agency, e.due[:1], len(e.due)) for e in found]
    assert owed["王小芳"] == [("pension", "520103", ("2026-07",), 6), ("medical", "520103", ("2026-01",), 12)]
    assert owed["陈建国"] == [("pension", "520602", ("2026",), 1), ("medical", "520602", ("2027",), 1)]
    assert [line[1:] for line in owed["吴秀英"][:2]] == [("520302", ("2027",), 1), ("520303", ("2027",), 1)]
    assert owed["罗福贵"] == [("pension", "520402", (), 0), ("medical", "520402", (), 0)]
    assert owed["李沐阳"] == [("medical", "520103", ("2026",), 2)]
    assert owed["田桂花"] == [("medical", "522326", ("2026",), 2), ("pension", "522326", ("2026",), 1)]
    assert owed["张明远"] == [("medical", "520526", (), 0)]
    assert owed["周志强"] == [("pension", "522722", (), 0)]
    assert owed["孙涛"][1] == ("medical", "520302", ("2026-08",), 5)
    assert owed["石磊"] == []


async def test_what_was_paid_for_another_is_found_by_the_payer(town: Town) -> None:
    await residents.load_shipped(town.books)
    payer, insured = shipped("陈建国"), shipped("吴秀英")
    [record] = await town.client.find_records(payer, RecordKind.PAID, paid_for=insured)
    assert (record.fee_year, record.insurance, record.agency) == (2026, Insurance.MEDICAL, "520302")
    assert len(await town.client.find_records(payer, RecordKind.PAID)) == 3
