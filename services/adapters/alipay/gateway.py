"""Payments by Alipay (`protocols` 3). The link of `precreate` opens the cashier, and is drawn as a QR code.

Every answer must be about the order that was asked for: a genuine answer about another one is no evidence.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import structlog

from services.adapters.alipay import bills
from services.adapters.alipay.client import AlipayClient, Rejected
from services.adapters.clock import SHANGHAI
from services.domain.errors import OutcomeUnknown, Refused, ServiceError, Unavailable
from services.domain.money import wire, yuan
from services.ports import Bill, Cashier, RefundFacts, TradeFacts, TradeStatus

log = structlog.get_logger("alipay")

NOT_EXIST = "ACQ.TRADE_NOT_EXIST"
NOT_CLOSABLE = frozenset(
    {"ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.REASON_ILLEGAL_STATUS"}
)
ERRORS: dict[str, tuple[type[ServiceError], str]] = {
    "ACQ.TRADE_HAS_SUCCESS": (Refused, "order_paid"),
    "ACQ.TRADE_HAS_CLOSE": (Refused, "order_closed"),
    "ACQ.CONTEXT_INCONSISTENT": (Refused, "order_mismatch"),
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": (Refused, "refund_too_much"),
    "ACQ.TRADE_NOT_ALLOW_REFUND": (Refused, "refund_not_allowed"),
    "ACQ.TRADE_HAS_FINISHED": (Refused, "refund_not_allowed"),
    "ACQ.TRADE_STATUS_ERROR": (Refused, "refund_not_allowed"),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": (Unavailable, "refund_balance"),
    NOT_EXIST: (Refused, "unknown_trade"),
}
"""Everything else is `Refused("gateway_refused")`: our request, our contract or our keys are not right."""

STATUSES = {
    "WAIT_BUYER_PAY": TradeStatus.WAITING,
    "TRADE_SUCCESS": TradeStatus.PAID,
    "TRADE_FINISHED": TradeStatus.PAID,
    "TRADE_CLOSED": TradeStatus.CLOSED,
}


class AlipayGateway:
    """`PaymentGateway` over Alipay. `return_url` is where the cashier leads back to; it proves nothing."""

    provider = "alipay"

    def __init__(self, client: AlipayClient, seller_id: str, notify_url: str, return_url: str) -> None:
        self._client = client
        self._seller_id = seller_id
        self._urls = {"notify_url": notify_url, "return_url": return_url}

    async def place(
        self, *, order_no: str, total: Decimal, subject: str, expires_at: datetime, payer: str | None = None
    ) -> Cashier:
        """One link for every `payer`.

        `Refused`: `order_paid`, `order_closed`, `order_mismatch` (placed before with another amount).
        """
        biz = {
            "out_trade_no": order_no,
            "total_amount": wire(total),
            "subject": subject,
            "seller_id": self._seller_id,
            "product_code": "FACE_TO_FACE_PAYMENT",
            "time_expire": expires_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        }
        try:
            answer = await self._client.call("alipay.trade.precreate", biz, common=self._urls)
        except Rejected as rejected:
            _refuse(rejected)
        _same_order(answer, order_no)
        link = str(answer.get("qr_code", ""))
        if not link:
            raise OutcomeUnknown("gateway_unreadable")
        return Cashier(cashier_url=link, qr_code=link)

    def bridge(self, prepay_id: str) -> Mapping[str, str]:
        """Alipay's link opens its cashier by itself."""
        raise Refused("no_bridge")

    async def query(self, order_no: str) -> TradeFacts:
        """ABSENT is "not yet": before the payer opens the cashier the trade does not exist."""
        try:
            answer = await self._client.call("alipay.trade.query", {"out_trade_no": order_no})
        except Rejected as rejected:
            if rejected.sub_code == NOT_EXIST:
                return TradeFacts(order_no=order_no, status=TradeStatus.ABSENT, source="query")
            _refuse(rejected)
        _same_order(answer, order_no)
        status = _status(answer)
        if status is TradeStatus.CLOSED and answer.get("send_pay_date"):
            status = TradeStatus.REFUNDED
        total = _amount(answer, "total_amount")
        return TradeFacts(
            order_no=order_no,
            status=status,
            source="query",
            trade_no=_text(answer, "trade_no"),
            total=total,
            refunded=total if status is TradeStatus.REFUNDED else None,
            paid_at=_moment(answer, "send_pay_date"),
            buyer=_text(answer, "buyer_open_id") or _text(answer, "buyer_user_id"),
            received=_amount(answer, "receipt_amount") if answer.get("send_pay_date") else None,
        )

    async def close(self, order_no: str) -> TradeStatus:
        try:
            answer = await self._client.call("alipay.trade.close", {"out_trade_no": order_no})
        except Rejected as rejected:
            if rejected.sub_code == NOT_EXIST:
                return TradeStatus.ABSENT
            if rejected.sub_code in NOT_CLOSABLE:
                return (await self.query(order_no)).status
            _refuse(rejected)
        _same_order(answer, order_no)
        return TradeStatus.CLOSED

    async def refund(self, *, order_no: str, request_no: str, amount: Decimal, reason: str) -> RefundFacts:
        """`done` only when this call moved the money; the same request again is found by `find_refund`.

        `Refused`: `refund_too_much`, `refund_not_allowed`, `unknown_trade`; `Unavailable("refund_balance")`.
        """
        biz = {
            "out_trade_no": order_no,
            "refund_amount": wire(amount),
            "out_request_no": request_no,
            "refund_reason": reason,
        }
        try:
            answer = await self._client.call("alipay.trade.refund", biz)
        except Rejected as rejected:
            _refuse(rejected)
        _same_order(answer, order_no)
        done = answer.get("fund_change") == "Y"
        return RefundFacts(
            request_no=request_no,
            done=done,
            amount=yuan(amount) if done else None,
            refunded_at=_moment(answer, "gmt_refund_pay"),
        )

    async def find_refund(self, *, order_no: str, request_no: str) -> RefundFacts:
        """Not `done` also when Alipay does not know it yet: ask again at least 10 s after the refund call."""
        biz = {
            "out_trade_no": order_no,
            "out_request_no": request_no,
            "query_options": ["gmt_refund_pay"],
        }
        try:
            answer = await self._client.call("alipay.trade.fastpay.refund.query", biz)
        except Rejected as rejected:
            if rejected.sub_code == NOT_EXIST:
                return RefundFacts(request_no=request_no, done=False)
            _refuse(rejected)
        if answer.get("refund_status") != "REFUND_SUCCESS":
            return RefundFacts(request_no=request_no, done=False)
        _same_order(answer, order_no)
        if answer.get("out_request_no") != request_no:
            raise OutcomeUnknown("gateway_not_genuine")
        return RefundFacts(
            request_no=request_no,
            done=True,
            amount=_amount(answer, "refund_amount"),
            refunded_at=_moment(answer, "gmt_refund_pay"),
        )

    def read_notification(self, form: Mapping[str, str]) -> TradeFacts:
        """The caller still compares order and total with its own record.

        `OutcomeUnknown` for a genuine notification that cannot be understood.
        """
        self._client.verify_notification(form)
        if form.get("seller_id") != self._seller_id or not form.get("out_trade_no"):
            raise Refused("forged_notification")
        status = _status(form)
        paid_at = _moment(form, "gmt_payment")
        refunded = _amount(form, "refund_fee")
        if status is TradeStatus.CLOSED and (paid_at or refunded):
            status = TradeStatus.REFUNDED
        return TradeFacts(
            order_no=form["out_trade_no"],
            status=status,
            source="notification",
            trade_no=_text(form, "trade_no"),
            total=_amount(form, "total_amount"),
            refunded=refunded,
            paid_at=paid_at,
            buyer=_text(form, "buyer_open_id") or _text(form, "buyer_id"),
            evidence_id=_text(form, "notify_id"),
        )

    async def fetch_bill(self, day: date) -> Bill:
        return await bills.fetch_bill(self._client, day, seller_id=self._seller_id)

    async def ping(self) -> None:
        await self._client.ping()


def _refuse(rejected: Rejected) -> NoReturn:
    kind, code = ERRORS.get(rejected.sub_code, (Refused, "gateway_refused"))
    raise kind(code, sub_code=rejected.sub_code) from rejected


def _same_order(answer: Mapping[str, Any], order_no: str) -> None:
    if answer.get("out_trade_no") != order_no:
        log.error("gateway_answer_about_another_order")
        raise OutcomeUnknown("gateway_not_genuine")


def _status(answer: Mapping[str, Any]) -> TradeStatus:
    status = STATUSES.get(str(answer.get("trade_status", "")))
    if status is None:
        raise OutcomeUnknown("gateway_unreadable")
    return status


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    return str(answer[name]) if answer.get(name) else None


def _amount(answer: Mapping[str, Any], name: str) -> Decimal | None:
    value = _text(answer, name)
    if value is None:
        return None
    try:
        amount = yuan(value)
    except InvalidOperation as error:
        raise OutcomeUnknown("gateway_unreadable") from error
    if not amount.is_finite() or amount < 0:
        raise OutcomeUnknown("gateway_unreadable")
    return amount


def _moment(answer: Mapping[str, Any], name: str) -> datetime | None:
    """`2026-11-23 10:00:00`, with or without milliseconds, in China's time."""
    value = _text(answer, name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise OutcomeUnknown("gateway_unreadable") from error
