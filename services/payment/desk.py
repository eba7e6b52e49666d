"""What every step of a payment works with, and how an order is read, told and shown."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.errors import Unavailable
from services.domain.orders import AT_OFFICE, CAPTURED, OPEN, OrderState
from services.domain.people import Person
from services.domain.workdays import records_available
from services.durable import Durable
from services.payment.model import OrderBill, OrderView, load_quote
from services.ports import Cashier, Clock, PaymentGateway, TaxBureau
from services.settings import Settings
from services.store.orders import OrderLineRow, OrderRow, WatcherRow
from services.store.session import Database

T = TypeVar("T")
CASHIER = "/pay"
"""Where residents go to pay, followed by the order's number."""
ALIPAY, WECHATPAY, WECHAT = "alipay", "wechatpay", "wechat"
"""The provider that everybody pays with, and another with which one channel may."""
ISSUE, WATCH, CLOSE, POST, BOOK, REFUND = "issue", "watch", "close", "post", "book", "refund"


class Announces(Protocol):
    async def announce_in(
        self, session: AsyncSession, conversation_id: str, kind: str, *, telling: bool = False, **facts: Any
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    database: Database
    clock: Clock
    gateways: Mapping[str, PaymentGateway]
    bureau: TaxBureau
    durable: Durable
    notices: Announces
    get_person: Callable[[str], Awaitable[Person]]
    settings: Settings

    def gateway_of(self, order: OrderRow) -> PaymentGateway:
        """Where an order was placed, or is going to be: for good. `Unavailable` if it is not connected now."""
        gateway = self.gateways.get(order.provider)
        if gateway is None:
            raise Unavailable("gateway_unavailable")
        return gateway

    def choose_gateway(self, conversation_id: str) -> PaymentGateway:
        """Where a new order of this conversation goes."""
        in_wechat = conversation_id.startswith(f"{WECHAT}:")
        return self.gateways[self.settings.wechat_pays_with if in_wechat else ALIPAY]

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.clock.now().tzinfo)

    async def tell(self, session: AsyncSession, order_no: str, kind: str, *, telling: bool = False) -> None:
        """Have every conversation that watches the order told, in the caller's transaction."""
        watchers = select(WatcherRow.conversation_id).where(WatcherRow.order_no == order_no)
        for conversation_id in (await session.scalars(watchers)).all():
            await self.notices.announce_in(session, conversation_id, kind, telling=telling, order_no=order_no)

    async def find(self, order_no: str) -> OrderRow | None:
        async with self.database.read() as session:
            return await session.get(OrderRow, order_no)

    async def get(self, order_no: str) -> OrderRow:
        return known(await self.find(order_no))

    async def lines(self, order_no: str) -> Sequence[OrderLineRow]:
        async with self.database.read() as session:
            return await read_lines(session, order_no)

    async def view(self, order_no: str) -> OrderView | None:
        """The order as residents see it."""
        async with self.database.read() as session:
            order = await session.get(OrderRow, order_no)
            if order is None:
                return None
            lines = await read_lines(session, order_no)
        paid_at = self.local(order.paid_at) if order.paid_at else None
        return OrderView(
            order_no=order_no,
            total=order.total,
            provider=order.provider,
            status=order.state.status,
            cashier=self._cashier(order),
            expires_at=self.local(order.expires_at),
            paid_at=paid_at,
            booked=order.booked_at is not None,
            records_available_on=self._available(order.state, paid_at),
            bills=tuple(
                OrderBill(
                    insured_id=line.insured_id,
                    quote=load_quote(line.quote),
                    returned=line.returned_at is not None,
                )
                for line in lines
            ),
            payer_id=order.payer_id,
            preparing=order.state is OrderState.NEW and order.wanted,
            by_office=order.state in AT_OFFICE,
            opened=order.opened_at is not None,
        )

    def _cashier(self, order: OrderRow) -> Cashier | None:
        """Our own address, which leads on to the gateway's (`open_cashier`)."""
        if not self.is_payable(order):
            return None
        url = f"{self.settings.base_url}{CASHIER}/{order.order_no}"
        return Cashier(cashier_url=url, qr_code=url)

    def is_payable(self, order: OrderRow) -> bool:
        open_ = order.state in OPEN and order.wanted and self.clock.now() < order.expires_at
        return open_ and (order.cashier_url is not None or order.prepay_id is not None)

    def payer_of(self, order: OrderRow) -> str | None:
        """WeChat's name for the payer of an order that is placed for him alone, from inside WeChat."""
        channel, _, sender = order.conversation_id.partition(":")
        return sender if channel == WECHAT and order.provider == WECHATPAY else None

    def _available(self, state: OrderState, paid_at: datetime | None) -> date | None:
        if paid_at is None or state not in {OrderState.PAID, OrderState.APPLIED}:
            return None
        return records_available(paid_at.date())[1]


def known(value: T | None) -> T:
    """A row or a fact that is there by construction; `LookupError` if the store was tampered with."""
    if value is None:
        raise LookupError("a row or a fact that is never deleted is missing")
    return value


async def get_locked(session: AsyncSession, order_no: str) -> OrderRow:
    """The order, locked until the end of the transaction."""
    return known(await find_locked(session, order_no))


async def find_locked(session: AsyncSession, order_no: str) -> OrderRow | None:
    found = select(OrderRow).where(OrderRow.order_no == order_no).with_for_update()
    order: OrderRow | None = await session.scalar(found)
    return order


async def read_lines(session: AsyncSession, order_no: str) -> Sequence[OrderLineRow]:
    found = select(OrderLineRow).where(OrderLineRow.order_no == order_no).order_by(OrderLineRow.line)
    return (await session.scalars(found)).all()


def is_captured(order: OrderRow) -> bool:
    return order.state in CAPTURED
