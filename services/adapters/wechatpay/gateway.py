"""Payments by WeChat Pay (`protocols` 8). Amounts travel as whole fen.

Every answer must be about the order that was asked for, and about this merchant.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import quote

import structlog

from services.adapters.clock import SHANGHAI
from services.adapters.wechatpay import bills
from services.adapters.wechatpay.client import Rejected, WechatPayClient
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.money import yuan
from services.ports import Bill, Cashier, RefundFacts, TradeFacts, TradeStatus

log = structlog.get_logger("wechatpay")

TRANSACTIONS = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
CURRENCY = "CNY"
BODY = "body"
"""The field of a notification that holds its body; the others are its headers, in small letters."""
NOT_EXIST = frozenset({"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"})
NO_MONEY = "NOT_ENOUGH"
MAY_BE_THERE = frozenset({"OUT_TRADE_NO_USED", "ORDER_CLOSED", "ORDERPAID", "INVALID_REQUEST"})
"""What a second order of the same number may be told: which of them is not the same in all documents, so
the order itself is asked for."""

STATUSES = {
    "NOTPAY": TradeStatus.WAITING,
    "USERPAYING": TradeStatus.WAITING,
    "ACCEPT": TradeStatus.WAITING,
    "SUCCESS": TradeStatus.PAID,
    "CLOSED": TradeStatus.CLOSED,
    "REVOKED": TradeStatus.CLOSED,
    "PAYERROR": TradeStatus.CLOSED,
    "REFUND": TradeStatus.REFUNDED,
}
"""`REFUND` is said from the first refund on, and not how much: what of it is told by each refund's own query.
It is read as wholly refunded with `refunded` empty; who gave a part back himself knows better."""
SETTLED = {
    TradeStatus.PAID: "order_paid",
    TradeStatus.REFUNDED: "order_paid",
    TradeStatus.CLOSED: "order_closed",
    TradeStatus.WAITING: "order_mismatch",
}


class WechatPayGateway:
    """`PaymentGateway` over WeChat Pay. `app_id` is the service account's."""

    provider = "wechatpay"

    def __init__(self, client: WechatPayClient, app_id: str, notify_url: str) -> None:
        self._client = client
        self._app_id = app_id
        self._notify_url = notify_url

    async def place(
        self, *, order_no: str, total: Decimal, subject: str, expires_at: datetime, payer: str | None = None
    ) -> Cashier:
        """For one `payer` (openid) inside WeChat, else a code that anybody can scan with a second screen.

        `Refused`: `order_paid`, `order_closed`, `order_mismatch` (placed before, otherwise).
        """
        order = self._order(order_no, total, subject, expires_at)
        if payer is None:
            link = _required(await self._place("native", order, order_no), "code_url")
            return Cashier(cashier_url=link, qr_code=link)
        answer = await self._place("jsapi", order | {"payer": {"openid": payer}}, order_no)
        return Cashier(prepay_id=_required(answer, "prepay_id"))

    def bridge(self, prepay_id: str) -> dict[str, str]:
        """The signed parameters of `getBrandWCPayRequest`."""
        return self._client.bridge(self._app_id, prepay_id)

    async def query(self, order_no: str) -> TradeFacts:
        try:
            answer = await self._client.call("GET", f"{_order_path(order_no)}?mchid={self._client.mch_id}")
        except Rejected as rejected:
            if rejected.code in NOT_EXIST:
                return TradeFacts(order_no=order_no, status=TradeStatus.ABSENT, source="query")
            _refuse(rejected)
        self._same(answer, "out_trade_no", order_no)
        return _trade(answer, source="query")

    async def close(self, order_no: str) -> TradeStatus:
        """Also needed after `time_expire`: what has expired is not closed by itself."""
        try:
            await self._client.call("POST", f"{_order_path(order_no)}/close", {"mchid": self._client.mch_id})
        except Rejected as rejected:
            if rejected.code in NOT_EXIST:
                return TradeStatus.ABSENT
            status = (await self.query(order_no)).status
            if status is TradeStatus.WAITING:
                _refuse(rejected)
            return status
        return TradeStatus.CLOSED

    async def refund(self, *, order_no: str, request_no: str, amount: Decimal, reason: str) -> RefundFacts:
        """Mostly not `done` yet: `find_refund` tells. The same request again gives the same refund.

        `Refused`: `refund_too_much`, `refund_not_allowed`, `unknown_trade`, and `refund_abnormal` or
        `refund_closed` when only people can go on; `Unavailable("refund_balance")`.
        """
        trade = await self.query(order_no)
        if trade.status is TradeStatus.ABSENT:
            raise Refused("unknown_trade")
        if trade.total is None or trade.status not in {TradeStatus.PAID, TradeStatus.REFUNDED}:
            raise Refused("refund_not_allowed")
        if amount > trade.total:
            raise Refused("refund_too_much")
        content = {
            "out_trade_no": order_no,
            "out_refund_no": request_no,
            "reason": reason,
            "notify_url": self._notify_url,
            "amount": {"refund": _fen(amount), "total": _fen(trade.total), "currency": CURRENCY},
        }
        try:
            answer = await self._client.call("POST", REFUNDS, content)
        except Rejected as rejected:
            if rejected.code == NO_MONEY:
                raise Unavailable("refund_balance") from rejected
            _refuse(rejected, "refund_not_allowed" if rejected.code in MAY_BE_THERE else "gateway_refused")
        return self._refund(answer, order_no, request_no, final=True)

    async def find_refund(self, *, order_no: str, request_no: str) -> RefundFacts:
        try:
            answer = await self._client.call("GET", f"{REFUNDS}/{quote(request_no, safe='')}")
        except Rejected as rejected:
            if rejected.code in NOT_EXIST:
                return RefundFacts(request_no=request_no, done=False)
            _refuse(rejected)
        return self._refund(answer, order_no, request_no)

    def read_notification(self, form: Mapping[str, str]) -> TradeFacts:
        """`form` holds the message's headers by their names in small letters, and the body as `body`.

        The caller still compares order and total with its own record. A refund's message tells of the
        refund's part of the order only. `OutcomeUnknown` for a genuine message that cannot be understood.
        """
        message, content = self._client.read_notification(form, form.get(BODY, ""))
        if content.get("mchid") != self._client.mch_id or not content.get("out_trade_no"):
            raise Refused("forged_notification")
        kind = str(message.get("event_type", ""))
        evidence_id = _required(message, "id")
        if kind == "TRANSACTION.SUCCESS":
            if content.get("appid") != self._app_id:
                raise Refused("forged_notification")
            return _trade(content, source="notification", evidence_id=evidence_id)
        if kind in {"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"}:
            return _refunded_trade(content, moved=kind == "REFUND.SUCCESS", evidence_id=evidence_id)
        raise OutcomeUnknown("gateway_unreadable")

    async def fetch_bill(self, day: date) -> Bill:
        return await bills.fetch_bill(self._client, day)

    async def ping(self) -> None:
        await self._client.ping()

    # --- private ------------------------------------------------------------------------------------

    def _order(self, order_no: str, total: Decimal, subject: str, expires_at: datetime) -> dict[str, Any]:
        return {
            "appid": self._app_id,
            "mchid": self._client.mch_id,
            "description": subject,
            "out_trade_no": order_no,
            "time_expire": expires_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "notify_url": self._notify_url,
            "amount": {"total": _fen(total), "currency": CURRENCY},
        }

    async def _place(self, kind: str, order: Mapping[str, Any], order_no: str) -> dict[str, Any]:
        try:
            return await self._client.call("POST", f"{TRANSACTIONS}/{kind}", order)
        except Rejected as rejected:
            status = (await self.query(order_no)).status if rejected.code in MAY_BE_THERE else None
            _refuse(rejected, SETTLED.get(status, "gateway_refused") if status else "gateway_refused")

    def _refund(
        self, answer: Mapping[str, Any], order_no: str, request_no: str, *, final: bool = False
    ) -> RefundFacts:
        self._same(answer, "out_trade_no", order_no)
        self._same(answer, "out_refund_no", request_no)
        status = _required(answer, "status")
        if final and status in {"ABNORMAL", "CLOSED"}:
            raise Refused(f"refund_{status.lower()}")
        if status != "SUCCESS":
            return RefundFacts(request_no=request_no, done=False)
        return RefundFacts(
            request_no=request_no,
            done=True,
            amount=_amount(answer, "refund"),
            refunded_at=_moment(answer, "success_time"),
        )

    def _same(self, answer: Mapping[str, Any], name: str, wanted: str) -> None:
        foreign = answer.get("mchid", self._client.mch_id) != self._client.mch_id
        if foreign or answer.get(name) != wanted:
            log.error("gateway_answer_about_another_order")
            raise OutcomeUnknown("gateway_not_genuine")


def _order_path(order_no: str) -> str:
    return f"{TRANSACTIONS}/out-trade-no/{quote(order_no, safe='')}"


def _refuse(rejected: Rejected, code: str = "gateway_refused") -> NoReturn:
    raise Refused(code, sub_code=rejected.code) from rejected


def _trade(content: Mapping[str, Any], *, source: str, evidence_id: str | None = None) -> TradeFacts:
    status = STATUSES.get(str(content.get("trade_state", "")))
    total = _amount(content, "total")
    if status is None or (status is TradeStatus.PAID and total is None):
        raise OutcomeUnknown("gateway_unreadable")
    payer = content.get("payer")
    return TradeFacts(
        order_no=_required(content, "out_trade_no"),
        status=status,
        source=source,
        trade_no=_text(content, "transaction_id"),
        total=total,
        paid_at=_moment(content, "success_time"),
        buyer=_text(payer, "openid") if isinstance(payer, dict) else None,
        evidence_id=evidence_id,
    )


def _refunded_trade(content: Mapping[str, Any], *, moved: bool, evidence_id: str) -> TradeFacts:
    total, refunded = _amount(content, "total"), _amount(content, "refund")
    if total is None or refunded is None:
        raise OutcomeUnknown("gateway_unreadable")
    return TradeFacts(
        order_no=_required(content, "out_trade_no"),
        status=TradeStatus.REFUNDED if moved and refunded == total else TradeStatus.PAID,
        source="notification",
        trade_no=_text(content, "transaction_id"),
        total=total,
        refunded=refunded if moved else None,
        evidence_id=evidence_id,
    )


def _fen(amount: Decimal) -> int:
    return int(yuan(amount) * 100)


def _text(content: Mapping[str, Any], name: str) -> str | None:
    return str(content[name]) if content.get(name) else None


def _required(content: Mapping[str, Any], name: str) -> str:
    value = _text(content, name)
    if value is None:
        raise OutcomeUnknown("gateway_unreadable")
    return value


def _amount(content: Mapping[str, Any], name: str) -> Decimal | None:
    """A member of `amount`, from fen to yuan; another currency than ours can't be understood."""
    amount = content.get("amount")
    if amount is None:
        return None
    if not isinstance(amount, dict) or amount.get("currency", CURRENCY) != CURRENCY:
        raise OutcomeUnknown("gateway_unreadable")
    value = amount.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OutcomeUnknown("gateway_unreadable")
    return yuan(Decimal(value) / 100)


def _moment(content: Mapping[str, Any], name: str) -> datetime | None:
    """`2026-11-23T10:00:00+08:00`."""
    value = _text(content, name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise OutcomeUnknown("gateway_unreadable") from error
    if moment.tzinfo is None:
        raise OutcomeUnknown("gateway_unreadable")
    return moment.astimezone(SHANGHAI)
