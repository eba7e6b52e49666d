"""What `PaymentGateway` promises, of every gateway alike, over real HTTP with real signatures."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from services.domain.errors import OutcomeUnknown, Refused, ServiceError, Unavailable
from services.ports import Bill, BillKind, TradeStatus
from tests.gateways.conftest import TOTAL, Hasty, Street


async def refund(street: Street, number: str, request_no: str = "R1REFUND", amount: Decimal = TOTAL) -> None:
    await street.gateway.refund(
        order_no=number, request_no=request_no, amount=amount, reason="社会保险费退款"
    )


async def test_a_placed_order_is_paid_and_known_by_asking(street: Street) -> None:
    number = await street.paid()
    facts = await street.gateway.query(number)
    assert (facts.order_no, facts.status, facts.source) == (number, TradeStatus.PAID, "query")
    assert (facts.total, facts.refunded) == (TOTAL, None)
    assert facts.trade_no
    assert facts.buyer
    assert facts.paid_at is not None
    assert abs(facts.paid_at - street.town.clock.now()) < timedelta(seconds=10)
    assert facts.paid_at.utcoffset() == timedelta(hours=8)


async def test_the_notification_says_the_same_as_the_query(street: Street) -> None:
    number = await street.paid()
    [form] = await street.town.merchant.wait_for(1)
    told, asked = street.gateway.read_notification(form), await street.gateway.query(number)
    assert told.source == "notification"
    assert told.evidence_id
    for name in ("order_no", "status", "trade_no", "total", "buyer", "paid_at"):
        assert getattr(told, name) == getattr(asked, name), name


async def test_a_notification_with_any_field_changed_is_forged(street: Street) -> None:
    await street.paid()
    [form] = await street.town.merchant.wait_for(1)
    for name in form:
        if name == "sign_type":
            continue
        for changed in (form | {name: form[name] + "0"}, {k: v for k, v in form.items() if k != name}):
            if name == "wechatpay-signature-type" and name not in changed:
                continue  # the one field that WeChat Pay need not send
            with pytest.raises(Refused, match="forged_notification"):
                street.gateway.read_notification(changed)
    with pytest.raises(Refused, match="forged_notification"):
        street.gateway.read_notification({})


async def test_nobody_knows_an_order_that_was_never_placed(street: Street) -> None:
    assert (await street.gateway.query("GZ1NOBODY")).status is TradeStatus.ABSENT
    assert await street.gateway.close("GZ1NOBODY") is TradeStatus.ABSENT
    found = await street.gateway.find_refund(order_no="GZ1NOBODY", request_no="R1")
    assert not found.done
    with pytest.raises(Refused, match="unknown_trade"):
        await refund(street, "GZ1NOBODY")


async def test_before_anybody_pays_it_is_at_most_waiting(street: Street) -> None:
    number, cashier = await street.place()
    assert (await street.gateway.query(number)).status in {TradeStatus.ABSENT, TradeStatus.WAITING}
    await street.open(cashier)
    facts = await street.gateway.query(number)
    assert (facts.status, facts.total, facts.paid_at) == (TradeStatus.WAITING, TOTAL, None)


async def test_the_same_order_again_is_the_same_payment(street: Street) -> None:
    until = street.town.expires()
    number, first = await street.place(expires_at=until)
    _, second = await street.place(number, expires_at=until)
    assert first == second
    await street.town.pay(first.cashier_url)
    with pytest.raises(Refused, match="order_paid"):
        await street.place(number, expires_at=until)


async def test_the_same_number_with_another_amount_is_refused(street: Street) -> None:
    until = street.town.expires()
    number, _ = await street.place(expires_at=until)
    with pytest.raises(Refused, match="order_mismatch"):
        await street.place(number, expires_at=until, total=Decimal("401"))


async def test_closed_is_closed_for_the_payer_too(street: Street) -> None:
    number, cashier = await street.place()
    await street.open(cashier)
    assert await street.gateway.close(number) is TradeStatus.CLOSED
    assert await street.gateway.close(number) is TradeStatus.CLOSED
    assert (await street.gateway.query(number)).status is TradeStatus.CLOSED
    assert "付款单已失效" in await street.open(cashier)
    with pytest.raises(Refused, match="order_closed"):
        await street.place(number)


async def test_paid_can_not_be_closed(street: Street) -> None:
    number = await street.paid()
    assert await street.gateway.close(number) is TradeStatus.PAID


async def test_the_expiry_is_absolute_whenever_the_cashier_is_opened(street: Street) -> None:
    number, cashier = await street.place()
    street.town.advance(minutes=14)
    await street.open(cashier)
    street.town.advance(minutes=2)
    assert "付款单已失效" in await street.open(cashier)
    assert (await street.gateway.query(number)).status in {TradeStatus.WAITING, TradeStatus.CLOSED}
    assert await street.gateway.close(number) is TradeStatus.CLOSED


async def test_a_whole_refund(street: Street) -> None:
    number = await street.paid()
    await refund(street, number)
    found = await street.gateway.find_refund(order_no=number, request_no="R1REFUND")
    assert (found.done, found.amount) == (True, TOTAL)
    assert found.refunded_at is not None
    assert found.refunded_at.utcoffset() == timedelta(hours=8)
    assert (await street.gateway.query(number)).status is TradeStatus.REFUNDED
    assert await street.gateway.close(number) is TradeStatus.REFUNDED


async def test_the_same_refund_again_gives_back_once(street: Street) -> None:
    number = await street.paid()
    for _ in range(3):
        await refund(street, number, amount=Decimal("300"))
    await refund(street, number, "R2REFUND", Decimal("100"))
    with pytest.raises(Refused):
        await refund(street, number, "R3REFUND", Decimal("0.01"))
    assert not (await street.gateway.find_refund(order_no=number, request_no="R3REFUND")).done


async def test_more_than_was_paid_is_not_given_back(street: Street) -> None:
    number = await street.paid()
    with pytest.raises(Refused, match="refund_too_much"):
        await refund(street, number, amount=Decimal("400.01"))


async def test_what_was_not_paid_is_not_given_back(street: Street) -> None:
    number, cashier = await street.place()
    await street.open(cashier)
    with pytest.raises(Refused, match="refund_not_allowed"):
        await refund(street, number)


async def test_the_message_about_a_whole_refund_is_no_new_payment(street: Street) -> None:
    number = await street.paid()
    await refund(street, number)
    forms = await street.town.merchant.wait_for(2)
    facts = [street.gateway.read_notification(form) for form in forms]
    assert {f.status for f in facts} == {TradeStatus.PAID, TradeStatus.REFUNDED}
    [refunded] = [f for f in facts if f.status is TradeStatus.REFUNDED]
    assert (refunded.order_no, refunded.refunded) == (number, TOTAL)


async def test_a_partial_refund_leaves_it_paid_in_its_message(street: Street) -> None:
    number = await street.paid()
    await refund(street, number, amount=Decimal("100"))
    forms = await street.town.merchant.wait_for(2)
    facts = [street.gateway.read_notification(form) for form in forms]
    assert {(f.status, f.refunded) for f in facts} == {
        (TradeStatus.PAID, None),
        (TradeStatus.PAID, Decimal("100.00")),
    }


@pytest.mark.parametrize("mode", ["system_error", "drop", "timeout", "slow"])
async def test_a_failing_call_leaves_the_outcome_open(street: Street, hasty: Hasty, mode: str) -> None:
    until = street.town.expires()
    await street.fault("place", mode, seconds=2.5)
    with hasty(), pytest.raises(OutcomeUnknown):
        await street.place("GZ1FAULTY", expires_at=until)
    _, cashier = await street.place("GZ1FAULTY", expires_at=until)
    await street.open(cashier)
    assert (await street.gateway.query("GZ1FAULTY")).status is TradeStatus.WAITING


async def test_after_a_timeout_it_has_happened_and_after_a_drop_it_has_not(
    street: Street, hasty: Hasty
) -> None:
    number = await street.paid()
    for mode, request_no, done in (("drop", "R1A", False), ("timeout", "R1B", True)):
        await street.fault("refund", mode, seconds=2.5)
        with hasty(), pytest.raises(OutcomeUnknown):
            await refund(street, number, request_no, Decimal("1"))
        found = await street.gateway.find_refund(order_no=number, request_no=request_no)
        assert found.done is done


async def test_a_call_that_arrives_twice_has_one_effect(street: Street) -> None:
    number = await street.paid()
    await street.fault("refund", "duplicate")
    await refund(street, number, amount=Decimal("300"))
    found = await street.gateway.find_refund(order_no=number, request_no="R1REFUND")
    assert found.amount == Decimal("300.00")
    with pytest.raises(ServiceError):
        await refund(street, number, "R2REFUND", Decimal("101"))


async def test_ten_payers_pay_one_order_once(street: Street) -> None:
    number, cashier = await street.place()
    await asyncio.gather(*(street.town.pay(cashier.cashier_url) for _ in range(10)), return_exceptions=True)
    await street.town.merchant.wait_for(1)
    await asyncio.sleep(0.2)
    assert len(street.town.merchant.forms) == 1
    assert (await street.gateway.query(number)).total == TOTAL


async def test_ping_asks_whether_it_is_there(street: Street) -> None:
    await street.fault("query", "system_error")
    await street.gateway.ping()
    with pytest.raises(OutcomeUnknown):
        await street.gateway.query("GZ1NOBODY")


async def test_what_is_not_there_is_unavailable(street: Street) -> None:
    gateway, client = street.gateway, street.town.client
    client._url = client._gateway_url = "http://127.0.0.1:9"
    with pytest.raises(Unavailable):
        await gateway.ping()
    with pytest.raises(Unavailable):
        await gateway.query("GZ1NOBODY")


async def test_the_bill_of_a_day_holds_what_was_paid_and_given_back(street: Street) -> None:
    day = street.town.clock.now().date()
    first, second = await street.paid(), await street.paid()
    await refund(street, first, amount=Decimal("100.50"))
    facts = await street.gateway.query(second)
    street.town.advance(days=1)
    await street.paid()
    bill = await street.gateway.fetch_bill(day)
    assert bill.day == day
    assert bill.sha256
    assert [
        (line.order_no, line.kind, line.total, line.received, line.request_no) for line in bill.lines
    ] == [
        (first, BillKind.PAID, TOTAL, TOTAL, None),
        (second, BillKind.PAID, TOTAL, TOTAL, None),
        (first, BillKind.REFUND, Decimal("100.50"), Decimal("100.50"), "R1REFUND"),
    ]
    assert (bill.lines[1].trade_no, bill.lines[1].at) == (facts.trade_no, facts.paid_at)


async def test_the_same_bill_again_is_known_by_its_hash(street: Street) -> None:
    day = street.town.clock.now().date()
    await street.paid()
    street.town.advance(days=1)
    first = await street.gateway.fetch_bill(day)
    street.town.advance(hours=5)
    assert await street.gateway.fetch_bill(day) == first


async def test_before_ten_of_the_next_day_there_is_no_bill_yet(street: Street) -> None:
    day = street.town.clock.now().date()
    await street.paid()
    for hours in (0, 23.9):
        street.town.advance(hours=hours)
        with pytest.raises(Unavailable, match="bill_not_ready"):
            await street.gateway.fetch_bill(day)
    street.town.advance(hours=0.2)
    assert len((await street.gateway.fetch_bill(day)).lines) == 1


async def test_a_day_on_which_nothing_moved_has_an_empty_bill(street: Street) -> None:
    day = street.town.clock.now().date() - timedelta(days=3)
    assert await street.gateway.fetch_bill(day) == Bill(day=day)


@pytest.mark.parametrize("mode", ["system_error", "drop"])
async def test_a_bill_that_can_not_be_asked_for_is_no_empty_bill(street: Street, mode: str) -> None:
    day = street.town.clock.now().date()
    await street.paid()
    street.town.advance(days=1)
    await street.fault("bill", mode)
    with pytest.raises(OutcomeUnknown):
        await street.gateway.fetch_bill(day)
    assert len((await street.gateway.fetch_bill(day)).lines) == 1
