"""The merchant's console at the simulated Alipay: what people do there, past the service (`reliability` R6, R9)."""

from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from bot.errors import problem
from bot.sandbox.alipay import trades
from bot.sandbox.alipay.desk import Call, Desk, Failure
from bot.sandbox.alipay.store import DiscountRow
from services.domain.ids import new_id
from services.domain.money import wire, yuan

Amount = Annotated[Decimal, Field(gt=0, max_digits=10, decimal_places=2)]


class Wish(BaseModel):
    """`refund`: give back by hand. `discount`: the merchant pays that much of the order himself."""

    model_config = ConfigDict(extra="forbid")

    out_trade_no: Annotated[str, Field(max_length=64)]
    refund: Amount | None = None
    discount: Amount | None = None


def add_routes(routes: Blueprint, desk: Desk) -> None:
    routes.add_route(partial(_act, desk), "/console", methods=["POST"], name="console")


async def _act(desk: Desk, request: Request) -> HTTPResponse:
    try:
        wish = Wish.model_validate_json(request.body)
        if (wish.refund is None) == (wish.discount is None):
            return problem(400, "bad_request", "Give refund or discount.")
        return json(await _done(desk, wish))
    except ValidationError:
        return problem(400, "bad_request", "Send {out_trade_no, refund | discount}.")
    except Failure as failure:
        return problem(409, "refused", failure.sub_code)


async def _done(desk: Desk, wish: Wish) -> dict[str, str]:
    biz = {"out_trade_no": wish.out_trade_no}
    async with desk.books.database.begin() as session:
        if wish.discount is not None:
            trade = await trades.find(session, Call(method="", parameters={}, biz=biz), desk.now())
            if wish.discount > yuan(trade.total):
                raise Failure("40004", "ACQ.INVALID_PARAMETER")
            await session.merge(DiscountRow(out_trade_no=trade.out_trade_no, amount=wire(wish.discount)))
            return {"out_trade_no": trade.out_trade_no, "discount": wire(wish.discount)}
        biz |= {"refund_amount": wire(wish.refund or Decimal(0)), "out_request_no": new_id("CONSOLE")[:30]}
        call = Call(method="", parameters={}, biz=biz)
        trade = await trades.find(session, call, desk.now())
        refund, _ = await trades.refund(session, trade, call, desk.now())
        return {"out_trade_no": trade.out_trade_no, "out_request_no": refund.out_request_no}
