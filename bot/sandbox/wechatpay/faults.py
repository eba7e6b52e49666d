"""What tests may order to go wrong: `POST /sandbox/wechatpay/faults`."""

from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from bot.errors import problem
from bot.sandbox.books import Books


class Order(BaseModel):
    """`operation`: a call, `notify`, or `*`. `unsigned` is for answers, `wrong_amount` for notifications."""

    model_config = ConfigDict(extra="forbid")

    operation: Literal[
        "place", "query", "close", "refund", "find_refund", "bill", "certificates", "notify", "*"
    ]  # fmt: skip
    mode: Literal[
        "system_error", "busy", "timeout", "slow", "drop", "duplicate", "delay",
        "wrong_signature", "old_timestamp", "unsigned", "wrong_amount",
    ]  # fmt: skip
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] | None = None


class Clear(BaseModel):
    model_config = ConfigDict(extra="forbid")

    clear: Literal[True]


_ORDER: TypeAdapter[Order | Clear] = TypeAdapter(Order | Clear)


def add_routes(routes: Blueprint, books: Books) -> None:
    routes.add_route(partial(_order, books), "/faults", methods=["POST"], name="faults")


async def _order(books: Books, request: Request) -> HTTPResponse:
    try:
        wanted = _ORDER.validate_json(request.body)
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"][1:])) for e in error.errors(include_input=False)})
        return problem(
            400, "bad_request", f"This fault can't be ordered: look at {', '.join(filter(None, fields))}."
        )
    if isinstance(wanted, Clear):
        await books.clear_faults("wechatpay")
        return json({"cleared": True})
    await books.order_fault(
        "wechatpay", wanted.operation, wanted.mode, times=wanted.times, seconds=wanted.seconds, delta=None
    )
    return json({"ordered": True})
