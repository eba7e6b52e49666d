"""`gateway.do`: every shape of request that Alipay's clients send, and its signed answer (`protocols` 1).

Order of the answer's members: the object, then `sign`. HTTP is 200 always.
"""

import codecs
import json
import re
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, raw, redirect

from bot.sandbox.alipay import people
from bot.sandbox.alipay.desk import Call, Desk, Failure
from bot.sandbox.alipay.methods import CERTIFY_PAGE, METHODS, read_biz
from services.adapters.alipay.signing import request_text, sign, verifies

log = structlog.get_logger("sandbox.alipay")

METHOD = re.compile(r"[a-z0-9]+(\.[a-z0-9]+){1,8}")
REQUIRED = (
    ("method", "isv.missing-method"),
    ("app_id", "isv.missing-app-id"),
    ("sign_type", "isv.missing-signature-type"),
    ("sign", "isv.missing-signature"),
    ("timestamp", "isv.missing-timestamp"),
    ("version", "isv.missing-version"),
)
TIMEOUT_SECONDS = 30.0
SLOW_SECONDS = 3.0


def add_routes(routes: Blueprint, desk: Desk) -> None:
    routes.add_route(partial(_handle, desk), "/gateway.do", methods=["GET", "POST"], name="gateway")


async def _handle(desk: Desk, request: Request) -> HTTPResponse:
    parameters: dict[str, str] = {}
    try:
        parameters, charset = read_parameters(request)
        call = check(desk, parameters, charset)
        if call.method == CERTIFY_PAGE:
            attempt = await people.find_try(desk, certify_id=call.text("certify_id", longest=64))
            return redirect(f"/sandbox/alipay/certify/{attempt.page}")
        return await _answer(desk, request, call)
    except Failure as failure:
        return _envelope(desk, parameters.get("method", ""), failure.as_answer())


async def _answer(desk: Desk, request: Request, call: Call) -> HTTPResponse:
    """Do what is asked, or what a test has ordered to go wrong with it."""
    fault = await desk.books.take_fault("alipay", call.method)
    mode = fault.mode if fault else ""
    log.info("gateway_called", method=call.method, fault=mode)
    if mode == "system_error":
        raise Failure("20000", "isp.unknow-error", "系统繁忙")
    if mode == "drop":
        return _hang_up(request)
    if fault and mode in {"slow", "delay"}:
        await desk.books.stall(fault, SLOW_SECONDS)
    if mode == "duplicate":
        await _run(desk, call)
    answer = await _run(desk, call)
    if fault and mode == "timeout":  # it happened, but nobody is told
        await desk.books.stall(fault, TIMEOUT_SECONDS)
    return _envelope(desk, call.method, answer)


async def _run(desk: Desk, call: Call) -> dict[str, Any]:
    try:
        return await METHODS[call.method](desk, call)
    except Failure as failure:
        return failure.as_answer()


def _hang_up(request: Request) -> HTTPResponse:
    """Cut the connection without an answer and without an effect."""
    if request.transport is not None:
        request.transport.close()
    return raw(b"")


def read_parameters(request: Request) -> tuple[dict[str, str], str]:
    """Query and form as one, and the charset, which is read before anything is decoded.

    `40002` for a name that comes twice, an unknown charset or a body that is not a form.
    """
    query = request.query_string
    body = request.body.decode("latin-1")
    if body and not (request.content_type or "").lower().startswith("application/x-www-form-urlencoded"):
        raise Failure("40002", "isv.invalid-parameter", "请求格式无效")
    charset = _charset(query) or _charset(body) or "utf-8"
    try:
        codecs.lookup(charset)
        pairs = _decode(query, charset) + _decode(body, charset)
    except (LookupError, UnicodeError, ValueError) as error:
        raise Failure("40002", "isv.invalid-charset", "字符集无效") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise Failure("40002", "isv.invalid-parameter", "参数重复")
    return parameters, charset


def _charset(form: str) -> str:
    return dict(parse_qsl(form, encoding="latin-1")).get("charset", "")


def _decode(form: str, charset: str) -> list[tuple[str, str]]:
    return parse_qsl(form, keep_blank_values=True, encoding=charset, errors="strict", max_num_fields=100)


def check(desk: Desk, parameters: dict[str, str], charset: str) -> Call:
    """The call, after its common parameters and its signature were found right."""
    for name, sub_code in REQUIRED:
        if not parameters.get(name):
            raise Failure("40001", sub_code, f"缺少参数：{name}")
    method = parameters["method"]
    if parameters["app_id"] != desk.keys.alipay_app_id:
        raise Failure("40002", "isv.invalid-app-id", "无效的AppID参数")
    if method not in METHODS and method != CERTIFY_PAGE:
        raise Failure("40002", "isv.invalid-method", "不存在的方法名")
    if parameters["sign_type"] != "RSA2":
        raise Failure("40002", "isv.invalid-signature-type", "无效的签名类型")
    try:
        signed = request_text(parameters).encode(charset)
    except UnicodeError as error:
        raise Failure("40002", "isv.invalid-charset", "字符集无效") from error
    if not verifies(signed, parameters["sign"], desk.app_keys):
        raise Failure("40002", "isv.invalid-signature", "验签出错")
    try:
        datetime.strptime(parameters["timestamp"], "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise Failure("40002", "isv.invalid-timestamp", "非法的时间戳参数") from error
    return Call(method=method, parameters=parameters, biz=read_biz(parameters.get("biz_content", "")))


def _envelope(desk: Desk, method: str, answer: dict[str, Any]) -> HTTPResponse:
    """The signed answer. A bad OAuth code has `error_response`, as Alipay gives it there and only there."""
    known = bool(METHOD.fullmatch(method))
    bad_code = method == "alipay.system.oauth.token" and "sub_code" in answer and answer["code"] == "40002"
    node = "error_response" if bad_code or not known else method.replace(".", "_") + "_response"
    content = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    signature = sign(content.encode(), desk.gateway_key)
    body = f'{{"{node}":{content},"sign":"{signature}"}}'
    return raw(body.encode(), content_type="text/html;charset=utf-8")
