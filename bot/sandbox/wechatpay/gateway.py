"""The API: every call is let in by its signature, and answered with one (`protocols` 8)."""

import gzip
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, raw

from bot.sandbox.wechatpay import bills, trades
from bot.sandbox.wechatpay.desk import ROOT, Desk, Failure, bad, stamp
from bot.sandbox.wechatpay.outbox import shown
from bot.sandbox.wechatpay.store import WxRefundRow, WxTradeRow
from services.adapters.wechatpay.signing import ALGORITHM, encrypt

log = structlog.get_logger("sandbox.wechatpay")

Content = dict[str, Any] | None
Operation = Callable[[Desk, Request, str], Awaitable[tuple[int, Content]]]
TIMEOUT_SECONDS = 30.0
SLOW_SECONDS = 3.0
SIGNATURE_FAULTS = frozenset({"wrong_signature", "old_timestamp", "unsigned"})
CERTIFICATE_LIVES = timedelta(days=5 * 365)


def add_routes(routes: Blueprint, desk: Desk) -> None:
    orders = "/v3/pay/transactions"
    calls: tuple[tuple[str, str, str, Operation], ...] = (
        ("POST", f"{orders}/native", "place", partial(_place, "NATIVE")),
        ("POST", f"{orders}/jsapi", "place", partial(_place, "JSAPI")),
        ("GET", f"{orders}/out-trade-no/<number:str>", "query", partial(_query, "out_trade_no")),
        ("GET", f"{orders}/id/<number:str>", "query", partial(_query, "transaction_id")),
        ("POST", f"{orders}/out-trade-no/<number:str>/close", "close", _close),
        ("POST", "/v3/refund/domestic/refunds", "refund", _refund),
        ("GET", "/v3/refund/domestic/refunds/<number:str>", "find_refund", _find_refund),
        ("GET", "/v3/bill/tradebill", "bill", _bill),
        ("GET", "/v3/certificates", "certificates", _certificates),
    )
    for index, (method, path, name, operation) in enumerate(calls):
        handler = partial(_handle, desk, name, operation)
        routes.add_route(handler, path, methods=[method], name=f"{name}_{index}")
    routes.add_route(partial(_download, desk), "/v3/billdownload/file", methods=["GET"], name="billdownload")


async def _handle(
    desk: Desk, name: str, operation: Operation, request: Request, number: str = ""
) -> HTTPResponse:
    """Do what is asked, or what a test has ordered to go wrong with it."""
    signer, mode = desk.signer(request), ""
    try:
        desk.check(request)
        fault = await desk.books.take_fault("wechatpay", name)
        mode = fault.mode if fault else ""
        log.info("gateway_called", operation=name, fault=mode)
        if mode == "system_error":
            raise Failure(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
        if mode == "busy":
            raise Failure(429, "FREQUENCY_LIMITED", "频率限制")
        if mode == "drop":
            return _hang_up(request)
        if fault and mode in {"slow", "delay"}:
            await desk.books.stall(fault, SLOW_SECONDS)
        if mode == "duplicate":
            await operation(desk, request, number)
        status, content = await operation(desk, request, number)
        if fault and mode == "timeout":  # it happened, but nobody is told
            await desk.books.stall(fault, TIMEOUT_SECONDS)
    except Failure as failure:
        status, content = failure.status, {"code": failure.code, "message": failure.message}
    return desk.answer(status, content, signer=signer, mode=mode if mode in SIGNATURE_FAULTS else "")


def _hang_up(request: Request) -> HTTPResponse:
    """Cut the connection without an answer and without an effect."""
    if request.transport is not None:
        request.transport.close()
    return raw(b"")


async def _place(kind: str, desk: Desk, request: Request, _number: str) -> tuple[int, Content]:
    content = _content(request)
    async with desk.books.database.begin() as session:
        trade = await trades.place(session, desk, kind, content, signer=desk.signer(request))
    if kind == "JSAPI":
        return 200, {"prepay_id": trade.prepay_id}
    return 200, {"code_url": f"{desk.base_url}{ROOT}/cashier/{trade.page}"}


async def _query(key: str, desk: Desk, request: Request, number: str) -> tuple[int, Content]:
    _own_merchant(desk, request.args.get("mchid"))
    async with desk.books.database.read() as session:
        trade = await trades.find(session, **{key: number})
    return 200, shown(desk, trade)


async def _close(desk: Desk, request: Request, number: str) -> tuple[int, Content]:
    _own_merchant(desk, _content(request).get("mchid"))
    async with desk.books.database.begin() as session:
        trades.close(await trades.find(session, out_trade_no=number))
    return 204, None


async def _refund(desk: Desk, request: Request, _number: str) -> tuple[int, Content]:
    content = _content(request)
    async with desk.books.database.begin() as session:
        row = await trades.refund(session, desk, content)
        trade = await session.get_one(WxTradeRow, row.out_trade_no)
    # The call itself never says more than that it goes on; what became of it is asked for.
    return 200, _shown_refund(row, trade) | {"status": "PROCESSING"}


async def _find_refund(desk: Desk, _request: Request, number: str) -> tuple[int, Content]:
    async with desk.books.database.read() as session:
        row, trade = await trades.find_refund(session, number)
    return 200, _shown_refund(row, trade) | {"success_time": stamp(row.accepted_at)}


def _shown_refund(row: WxRefundRow, trade: WxTradeRow) -> dict[str, Any]:
    return {
        "refund_id": row.refund_id,
        "out_refund_no": row.out_refund_no,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": stamp(row.accepted_at),
        "status": row.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": trade.total,
            "refund": row.amount,
            "payer_total": trade.total,
            "payer_refund": row.amount,
            "settlement_refund": row.amount,
            "settlement_total": trade.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }


async def _bill(desk: Desk, request: Request, _number: str) -> tuple[int, Content]:
    day = bills.read_day(request.args.get("bill_date", ""))
    kind, packing = request.args.get("bill_type", "ALL"), request.args.get("tar_type", "")
    if kind != "ALL" or packing not in {"", "GZIP"}:
        raise bad("bill_type")
    content = await bills.write(desk, day)
    query = f"token={bills.make_token(desk, day)}&tartype={packing.lower()}"
    return 200, {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "download_url": f"{_own_address(request)}/v3/billdownload/file?{query}",
    }


async def _download(desk: Desk, request: Request) -> HTTPResponse:
    """The file, signed for by the request only."""
    try:
        desk.check(request)
        day = bills.read_token(desk, request.args.get("token", ""))
        content = await bills.write(desk, day)
    except Failure as failure:
        content = json.dumps({"code": failure.code, "message": failure.message}).encode()
        return raw(content, status=failure.status, content_type="application/json; charset=utf-8")
    packed = gzip.compress(content) if request.args.get("tartype") == "gzip" else content
    return raw(packed, content_type="text/plain; charset=utf-8")


async def _certificates(desk: Desk, _request: Request, _number: str) -> tuple[int, Content]:
    nonce, associated = os.urandom(6).hex(), "certificate"
    key = desk.keys.wechatpay_api_v3_key.encode()
    sealed = encrypt(desk.certificate.encode(), key=key, nonce=nonce, associated=associated)
    entry = {
        "serial_no": desk.certificate_serial,
        "effective_time": stamp(desk.now() - CERTIFICATE_LIVES / 2),
        "expire_time": stamp(desk.now() + CERTIFICATE_LIVES / 2),
        "encrypt_certificate": {
            "algorithm": ALGORITHM,
            "nonce": nonce,
            "associated_data": associated,
            "ciphertext": sealed,
        },
    }
    return 200, {"data": [entry]}


def _own_merchant(desk: Desk, mch_id: object) -> None:
    if mch_id != desk.keys.wechatpay_mch_id:
        raise bad("mchid")


def _own_address(request: Request) -> str:
    """The root of the API as this client has called it."""
    return f"{request.scheme}://{request.host}{ROOT}"


def _content(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise bad("body") from error
    if not isinstance(content, dict):
        raise bad("body")
    return content
