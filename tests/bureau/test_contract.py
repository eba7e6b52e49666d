"""What goes over the wire is what the published contract says, in both directions."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
import yaml

from bot.sandbox import residents
from bot.sandbox.bureau.routes import OPERATIONS
from services.adapters.clock import SHANGHAI
from services.domain.errors import Refused
from services.domain.kinds import PaymentType, RecordKind
from services.ports import TaxBureau
from tests.bureau.conftest import Town, dues
from tests.bureau.test_shipped_residents import SHIPPED, shipped
from tests.bureau.test_what_is_due import FLEXIBLE, MEDICAL, PENSION, RESIDENT

CONTRACT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docs" / "bureau-openapi.yaml").read_text(encoding="utf-8")
)


def test_the_contract_names_every_operation() -> None:
    assert set(CONTRACT["paths"]) == {f"/{name}" for name in OPERATIONS}


def test_the_contract_names_every_refusal_of_the_port() -> None:
    named = set(CONTRACT["components"]["schemas"]["Refusal"]["properties"]["code"]["enum"])
    told = set(re.findall(r"`([a-z_]+)`", TaxBureau.__doc__ or "")) - {"total"}
    assert told
    assert told <= named


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = CONTRACT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolve(found)


def check(body: bytes, holder: dict[str, Any]) -> None:
    schema = resolve(holder)["content"]["application/json"]["schema"]
    resolver = jsonschema.RefResolver.from_schema(CONTRACT)
    jsonschema.Draft7Validator(schema, resolver=resolver).validate(json.loads(body))


@pytest.fixture
async def seen(town: Town) -> set[tuple[str, int]]:
    """Checks each exchange of the client against the contract; collects which ones there were."""
    exchanged: set[tuple[str, int]] = set()

    async def compare(response: httpx2.Response) -> None:
        operation = response.request.url.path.rsplit("/", 1)[-1]
        description = CONTRACT["paths"][f"/{operation}"]["post"]
        check(response.request.content, description["requestBody"])
        check(await response.aread(), description["responses"][str(response.status_code)])
        exchanged.add((operation, response.status_code))

    town.client._http.event_hooks["response"].append(compare)
    return exchanged


async def test_every_exchange_keeps_the_contract(town: Town, seen: set[tuple[str, int]]) -> None:
    await residents.load_shipped(town.books)
    client, flexible, aided = town.client, shipped("王小芳"), shipped("田桂花")
    await client.ping()
    for one in SHIPPED:
        await client.find_enrolments(shipped(one.name))
        for kind in RecordKind:
            await client.find_records(shipped(one.name), kind)
    [item] = await client.find_arrears(flexible)
    await client.find_tiers(flexible, dues(FLEXIBLE, PENSION))
    await client.find_tiers(aided, dues(RESIDENT, PENSION, agency="522326"))
    wanted = [
        (flexible, dues(FLEXIBLE, PENSION, fee_period="2026-07/2026-12", tier="60%")),
        (flexible, dues(FLEXIBLE, MEDICAL, fee_period="2026-01/2026-12")),
        (flexible, dues(FLEXIBLE, PENSION, payment_type=PaymentType.ARREARS, arrears_item=item.item_id)),
        (aided, dues(RESIDENT, PENSION, agency="522326", fee_year=2026, tier="100")),
        (aided, dues(RESIDENT, MEDICAL, agency="522326", fee_year=2026)),
    ]
    totals = []
    for number, (who, fee) in enumerate(wanted):
        quote = await client.quote(who, fee)
        key = f"order-{number:04}"
        filed = await client.declare(who, fee, key=key, total=quote.total)
        assert filed.quote == quote
        totals.append(quote.total)
        paid_at = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
        await client.post_payment(
            declaration_no=filed.declaration_no, key=key, amount=quote.total, paid_at=paid_at, paid_by=who
        )
    town.at("2026-11-26T10:00:00")
    assert await client.find_posting("order-0000") is not None
    assert await client.find_posting("order-9999") is None
    assert {booking.key for booking in await client.find_bookings(date(2026, 11, 25))} == {
        f"order-{number:04}" for number in range(len(wanted))
    }
    for kind in RecordKind:
        assert await client.find_records(flexible, kind, fee_year=2026)
    assert len(await client.find_records(aided, RecordKind.PAID, fee_year=2026)) == 2
    applied = await client.file_refund(
        key="refund-0000", payment_key="order-0000", amount=totals[0], reason="wrong_person"
    )
    assert await client.find_refund("refund-0000") == applied
    assert await client.find_refund("refund-9999") is None
    await client.withdraw_payments(["order-9999"])
    with pytest.raises(Refused, match="already_booked"):
        await client.withdraw_payments(["order-0001"])
    await client.find_records(shipped("陈建国"), RecordKind.PAID, paid_for=shipped("吴秀英"))
    with pytest.raises(Refused):
        await client.quote(flexible, wanted[0][1])
    await town.books.order_fault("bureau", "*", "unavailable", times=1, seconds=None, delta=None)
    with pytest.raises(Exception, match="unavailable"):
        await client.find_enrolments(flexible)
    assert {operation for operation, status in seen if status == 200} == set(OPERATIONS)
    assert {status for _, status in seen} == {200, 409, 503}
    assert await client.find_arrears(flexible) == ()
