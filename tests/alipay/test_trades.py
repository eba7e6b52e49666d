"""Orders, payments and refunds through our adapter, over HTTP, against the simulated gateway."""

import asyncio
from decimal import Decimal

import pytest

from bot.sandbox.alipay.store import NotificationRow, trades_of
from services.domain.errors import Refused
from services.domain.ids import order_number
from services.ports import Cashier, TradeStatus
from tests.alipay.conftest import LI, WANG, Town, at_rest, look, open_form, press, send


async def place(town: Town, number: str, total: str = "400.00", minutes: float = 15) -> Cashier:
    return await town.gateway.place(
        order_no=number,
        total=Decimal(total),
        subject="城乡居民基本医疗保险",
        expires_at=town.expires(minutes),
    )


async def paid(town: Town, total: str = "400.00") -> str:
    number = order_number("GZ1")
    await town.pay((await place(town, number, total)).cashier_url)
    return number


async def test_a_trade_is_absent_until_the_cashier_is_opened_then_waiting_then_paid(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    assert cashier.qr_code == cashier.cashier_url
    assert (await town.gateway.query(number)).status is TradeStatus.ABSENT

    await look(cashier.cashier_url)
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING

    page = await town.pay(cashier.cashier_url)
    assert "付款成功" in page.text
    assert f"{town.base}/return/alipay/cashier" in page.text
    facts = await town.gateway.query(number)
    assert (facts.status, facts.total, facts.buyer) == (TradeStatus.PAID, Decimal("400.00"), WANG)
    assert facts.trade_no is not None
    assert len(facts.trade_no) == 28
    assert facts.paid_at is not None
    assert abs((facts.paid_at - town.clock.now()).total_seconds()) < 10


async def test_the_notification_tells_the_same_as_the_query(town: Town) -> None:
    number = await paid(town)
    told = town.gateway.read_notification((await town.merchant.wait_for(1))[0])
    asked = await town.gateway.query(number)
    assert told.evidence_id
    assert (told.status, told.total, told.trade_no, told.paid_at, told.buyer) == (
        asked.status,
        asked.total,
        asked.trade_no,
        asked.paid_at,
        asked.buyer,
    )


async def test_the_same_order_again_has_the_same_cashier_and_another_amount_is_refused(town: Town) -> None:
    number = order_number("GZ1")
    first = await place(town, number)
    assert await place(town, number) == first
    with pytest.raises(Refused, match="order_mismatch"):
        await place(town, number, "401.00")
    await town.pay(first.cashier_url)
    with pytest.raises(Refused, match="order_paid"):
        await place(town, number)


async def test_closing_is_certain_only_for_a_trade_that_exists(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    assert await town.gateway.close(number) is TradeStatus.ABSENT
    await look(cashier.cashier_url)
    assert await town.gateway.close(number) is TradeStatus.CLOSED
    assert await town.gateway.close(number) is TradeStatus.CLOSED
    assert "付款单已失效" in (await look(cashier.cashier_url)).text
    with pytest.raises(Refused, match="order_closed"):
        await place(town, number)


async def test_closing_too_late_says_that_it_is_paid(town: Town) -> None:
    number = await paid(town)
    assert await town.gateway.close(number) is TradeStatus.PAID


async def test_an_opened_trade_expires_by_the_clock_and_is_told(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    await look(cashier.cashier_url)
    town.advance(minutes=16)
    assert (await town.gateway.query(number)).status is TradeStatus.CLOSED
    told = town.gateway.read_notification((await town.merchant.wait_for(1))[0])
    assert told.status is TradeStatus.CLOSED
    assert "付款单已失效" in (await look(cashier.cashier_url)).text


async def test_a_jump_of_the_clock_closes_what_is_overdue_without_being_asked(town: Town) -> None:
    cashier = await place(town, order_number("GZ1"))
    await look(cashier.cashier_url)
    town.advance(days=3)
    [form] = await town.merchant.wait_for(1)
    assert form["trade_status"] == "TRADE_CLOSED"
    assert "gmt_payment" not in form


async def test_a_code_that_was_never_opened_is_dead_after_its_time(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    town.advance(minutes=15)
    assert "付款单已失效" in (await look(cashier.cashier_url)).text
    assert (await town.gateway.query(number)).status is TradeStatus.ABSENT


async def test_a_form_opened_in_time_cannot_pay_after_the_end(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    action, values = await open_form(cashier.cashier_url, "确认付款")
    town.advance(minutes=15)
    page = await send(action, values | {"account": WANG, "password": "123456"})
    assert "付款单已失效" in page.text
    assert (await town.gateway.query(number)).status is TradeStatus.CLOSED


async def test_two_payers_at_once_pay_once(town: Town) -> None:
    cashier = await place(town, order_number("GZ1"))
    action, values = await open_form(cashier.cashier_url, "确认付款")
    pages = await asyncio.gather(
        *(send(action, values | {"account": who, "password": "123456"}) for who in (WANG, LI) * 5)
    )
    assert all("付款成功" in page.text for page in pages)
    assert len(await trades_of(town.books, WANG)) + len(await trades_of(town.books, LI)) == 1
    await at_rest(town.books, NotificationRow)
    assert len(town.merchant.forms) == 1


async def test_leaving_the_cashier_takes_nothing_and_it_can_be_opened_again(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    page = await press(cashier.cashier_url, "取消")
    assert "付款已取消" in page.text
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING
    await town.pay(cashier.cashier_url, account=LI)
    assert (await town.gateway.query(number)).buyer == LI


async def test_paying_twice_takes_the_money_once(town: Town) -> None:
    number = order_number("GZ1")
    cashier = await place(town, number)
    await town.pay(cashier.cashier_url)
    assert (await look(cashier.cashier_url)).find("button") is None
    await town.merchant.wait_for(1)
    assert [trade["out_trade_no"] for trade in await trades_of(town.books, WANG)] == [number]
    assert await trades_of(town.books, LI) == []
    assert await trades_of(town.books, None) == []


async def test_partial_and_full_refunds(town: Town) -> None:
    number = await paid(town, "400.00")
    await town.merchant.wait_for(1)
    assert not (await town.gateway.find_refund(order_no=number, request_no="r1")).done

    first = await town.gateway.refund(
        order_no=number, request_no="r1", amount=Decimal("100"), reason="重复缴费"
    )
    assert first.done
    again = await town.gateway.refund(
        order_no=number, request_no="r1", amount=Decimal("100"), reason="重复缴费"
    )
    assert not again.done
    found = await town.gateway.find_refund(order_no=number, request_no="r1")
    assert (found.done, found.amount) == (True, Decimal("100.00"))
    assert (await town.gateway.query(number)).status is TradeStatus.PAID
    with pytest.raises(Refused, match="refund_too_much"):
        await town.gateway.refund(
            order_no=number, request_no="r2", amount=Decimal("300.01"), reason="重复缴费"
        )

    await town.gateway.refund(order_no=number, request_no="r3", amount=Decimal("300"), reason="重复缴费")
    facts = await town.gateway.query(number)
    assert (facts.status, facts.refunded) == (TradeStatus.REFUNDED, Decimal("400.00"))
    told = [town.gateway.read_notification(form) for form in await town.merchant.wait_for(3)]
    _, partial, full = sorted(told, key=lambda facts: facts.refunded or 0)
    assert (partial.status, partial.refunded) == (TradeStatus.PAID, Decimal("100.00"))
    assert (full.status, full.refunded) == (TradeStatus.REFUNDED, Decimal("400.00"))


async def test_what_was_not_paid_cannot_be_refunded(town: Town) -> None:
    number = order_number("GZ1")
    with pytest.raises(Refused, match="unknown_trade"):
        await town.gateway.refund(order_no=number, request_no="r1", amount=Decimal("1"), reason="退款")
    await look((await place(town, number)).cashier_url)
    with pytest.raises(Refused, match="refund_not_allowed"):
        await town.gateway.refund(order_no=number, request_no="r1", amount=Decimal("1"), reason="退款")
    assert not (await town.gateway.find_refund(order_no=number, request_no="r1")).done


@pytest.mark.parametrize("total", ["0.00", "100000000.01"])
async def test_an_impossible_amount_is_refused(town: Town, total: str) -> None:
    with pytest.raises(Refused, match="gateway_refused"):
        await place(town, order_number("GZ1"), total)


async def test_an_order_that_is_over_already_is_refused(town: Town) -> None:
    with pytest.raises(Refused, match="gateway_refused"):
        await place(town, order_number("GZ1"), minutes=-1)
