"""Paying, as the conversation and the routes use it: draft → place → refresh; the rest goes on by itself.

An order is charged once, whatever dies or is said twice: one live order per bill, one number at the gateway
per order, every outside call intended in the database before it is made, and only evidence from the gateway
moves money (`reliability` 2 and 3.3).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.domain.errors import Refused, ServiceError, Unavailable
from services.domain.orders import GRACE, OPEN, OrderState, Unbooked
from services.domain.people import Person
from services.durable import Durable
from services.payment import auditing, drafts, issuing, refunding, settling, sweeping, watching
from services.payment import desk as jobs
from services.payment.desk import ALIPAY, Announces, Desk, find_locked, is_captured
from services.payment.evidence import Verdict, apply, successors
from services.payment.mending import Mending
from services.payment.model import Bill, Changed, Checkout, Draft, OrderView, Placed, digest, load_quote
from services.ports import Clock, PaymentGateway, TaxBureau
from services.settings import Settings
from services.store.orders import OrderLineRow, OrderRow, WatcherRow
from services.store.session import Database

log = structlog.get_logger("payment")

SWEEP_EVERY = timedelta(seconds=60)
TRIES = 4
LISTED = 3
POST_PATIENCE, POST_LOOK = 2.0, 0.1
"""Seconds that a resident waits at most for the bureau to hear of a payment, and between two looks."""
BUREAU_REFUSALS = frozenset(
    {"not_registered", "not_payable", "already_paid", "window_closed", "tier_not_allowed", "gateway_refused"}
)


class Payment:
    """Registers its jobs with `durable`. `notices` needs `announce_in` (see `services.notices`)."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        gateways: Mapping[str, PaymentGateway],
        bureau: TaxBureau,
        durable: Durable,
        notices: Announces,
        get_person: Callable[[str], Awaitable[Person]],
        settings: Settings,
    ) -> None:
        self.desk = self._desk = desk = Desk(
            database=database, clock=clock, gateways=gateways, bureau=bureau, durable=durable,
            notices=notices, get_person=get_person, settings=settings,
        )  # fmt: skip
        self.mending = Mending(desk)
        self._posting: set[asyncio.Task[None]] = set()
        durable.register(jobs.ISSUE, lambda lease: issuing.issue(desk, lease), lane="issue", longest_wait=30)
        durable.register(
            jobs.WATCH, lambda lease: watching.watch(desk, lease), lane="gateway", longest_wait=30
        )
        durable.register(jobs.CLOSE, lambda lease: watching.close_order(desk, lease), lane="gateway")
        durable.register(jobs.REFUND, lambda lease: refunding.refund(desk, lease), lane="gateway")
        durable.register(jobs.POST, lambda lease: settling.post(desk, lease), lane="bureau", longest_wait=60)
        durable.register(jobs.BOOK, lambda lease: settling.look_for_booking(desk, lease), lane="bureau")
        durable.repeat("sweep", SWEEP_EVERY, self.sweep)
        durable.repeat("audit", auditing.HOURLY, lambda: auditing.audit_recent(desk))
        durable.repeat("audit_all", auditing.DAILY, lambda: auditing.audit_all(desk))

    # --- before -----------------------------------------------------------------------------------------

    async def draft(self, *, conversation_id: str, payer_id: str, bills: Sequence[Bill]) -> Draft:
        """Keep what is going to be shown for confirmation. `Refused("bill_twice")`."""
        return await drafts.save_draft(
            self._desk, conversation_id=conversation_id, payer_id=payer_id, bills=bills
        )

    async def find_draft(self, draft_id: str) -> Draft | None:
        return await drafts.find_draft(self._desk, draft_id)

    async def place(self, draft_id: str, *, conversation_id: str) -> Placed | Changed:
        """Confirm a draft of this conversation; the same draft again gives the same order.

        `Changed`: the bureau's figures are others than those shown. `Placed` without a cashier: the bureau
        has not answered in time, the order goes on by itself, with a notice. `Refused`: `unknown_draft`,
        `draft_expired`, `already_paid`, `earlier_order_open` (facts `order_no`, with other figures, and
        `until`, when it can no longer be paid), or the bureau's codes. `Unavailable("gateway_busy")`: it
        goes on by itself.
        """
        draft = await self.find_draft(draft_id)
        if draft is None or draft.conversation_id != conversation_id:
            raise Refused("unknown_draft")
        if draft.order_no is None:
            if self._desk.clock.now() >= draft.valid_until:
                raise Refused("draft_expired")
            changed = await self._changed(draft)
            if changed is not None:
                return changed
        return await self._placed(draft, await self._open(draft))

    # --- after ------------------------------------------------------------------------------------------

    async def refresh(self, order_no: str, *, patient: bool = True) -> OrderView:
        """刷新: the truth from the gateway, or from the bureau once it is paid.

        The gateway is asked every 3 s at most: `patient` waits for that, else what is known is enough.
        `OutcomeUnknown` when the gateway does not answer.
        """
        desk, order = self._desk, await self._desk.get(order_no)
        if order.state is OrderState.NEW:
            await self._issue(order_no)
        elif order.state in OPEN or watching.may_still_be_paid(order, desk.clock.now()):
            can_be_paid = order.opened_at is not None  # before that the answer is not worth waiting for
            await watching.as_unknown(desk, order_no, patient=patient and can_be_paid)
        elif settling.is_unbooked(order):
            try:
                await settling.find_booking(desk, order_no, telling=True)
            except ServiceError:
                log.info("booking_not_known", order_no=order_no)  # that it is paid is known, and is told
        await self._post_soon(order_no)
        return await self._get_view(order_no)

    async def find_order(self, order_no: str) -> OrderView | None:
        return await self._desk.view(order_no)

    async def find_successor(self, order_no: str) -> OrderView | None:
        """The order that has taken the place of a closed one: of the same payer, made on another device, say; or of
        somebody else who pays the same."""
        order = await self._desk.get(order_no)
        async with self._desk.database.read() as session:
            order_nos = await successors(session, order)
        views = [await self._desk.view(one) for one in order_nos]
        found = sorted((view for view in views if view), key=lambda view: view.payer_id != order.payer_id)
        return found[0] if found else None

    async def find_latest(self, conversation_id: str) -> OrderView | None:
        """The order that this conversation dealt with last."""
        found = (
            select(WatcherRow.order_no)
            .where(WatcherRow.conversation_id == conversation_id)
            .order_by(WatcherRow.since.desc(), WatcherRow.order_no)
        )
        async with self._desk.database.read() as session:
            order_no = (await session.scalars(found)).first()
        return await self._desk.view(order_no) if order_no else None

    async def list_latest(self, payer_id: str) -> Sequence[OrderView]:
        """What this person has paid or has still to pay, in whatever conversation, the latest first."""
        found = (
            select(OrderRow.order_no)
            .where(
                OrderRow.payer_id == payer_id, OrderRow.state != OrderState.CLOSED, OrderRow.wanted.is_(True)
            )
            .order_by(OrderRow.created_at.desc(), OrderRow.order_no)
            .limit(LISTED)
        )
        async with self._desk.database.read() as session:
            order_nos = (await session.scalars(found)).all()
        views = [await self._desk.view(order_no) for order_no in order_nos]
        return [view for view in views if view is not None]

    async def paid_today(self, conversation_id: str) -> Sequence[OrderView]:
        """What this conversation's payer has paid on this day and was not given back, the first one first."""
        now = self._desk.clock.now()
        found = (
            select(OrderRow.order_no)
            .where(
                OrderRow.conversation_id == conversation_id,
                OrderRow.state.in_([OrderState.PAID, OrderState.APPLIED]),
                OrderRow.paid_at >= now.replace(hour=0, minute=0, second=0, microsecond=0),
            )
            .order_by(OrderRow.paid_at)
        )
        async with self._desk.database.read() as session:
            order_nos = (await session.scalars(found)).all()
        views = [await self._desk.view(order_no) for order_no in order_nos]
        return [view for view in views if view is not None]

    async def open_cashier(self, order_no: str) -> Checkout | None:
        """The gateway's way for somebody who is about to pay; None when there is nothing to pay any more.

        The gateway does not know an order before its link is opened, and can't be made to close it then.
        Since the link leaves us only here, an order that nobody has opened can be given up at once.
        """
        async with self._desk.database.begin() as session:
            order = await find_locked(session, order_no)
            if order is None or not self._desk.is_payable(order):
                return None
            if order.opened_at is None:
                order.opened_at = self._desk.clock.now()
        if order.prepay_id is None:
            return Checkout(total=order.total, link=order.cashier_url)
        bridge = self._desk.gateway_of(order).bridge(order.prepay_id)
        return Checkout(total=order.total, bridge=bridge)

    async def abandon(self, order_no: str) -> OrderView:
        """不付了: closed if the gateway says so. Else `pending` without cashier, or paid."""
        order = await self._desk.get(order_no)
        if order.state in OPEN:
            try:
                await watching.close_at_gateway(
                    self._desk, order_no, reason="given_up", give_up=True, telling=True
                )
            except ServiceError as error:
                log.warning("closing_put_off", order_no=order_no, code=error.code)
                async with self._desk.database.begin() as session:
                    await self._desk.durable.enqueue(session, jobs.CLOSE, order_no, at=self._desk.clock.now())
        return await self._get_view(order_no)

    async def take_back(self, order_no: str) -> bool:
        """Close an order whose link nobody has opened: nobody can pay it. False, and nothing is done, for others."""
        return await watching.take_back(self._desk, order_no)

    async def on_notification(self, form: Mapping[str, str], *, provider: str = ALIPAY) -> bool:
        """Whether the gateway may be told `success`: what it said is stored and taken in.

        `Refused("forged_notification")` for one that is not the gateway's, or about another gateway's order.
        """
        gateway = self._desk.gateways.get(provider)
        if gateway is None:
            raise Refused("forged_notification")
        facts = gateway.read_notification(form)
        order = await self._desk.find(facts.order_no)
        if order is not None and order.provider != provider:
            raise Refused("forged_notification")
        return await apply(self._desk, facts) is Verdict.TAKEN

    async def pending_payments(
        self, person_id: str, *, payer_id: str | None = None
    ) -> Mapping[int, Mapping[str, Unbooked]]:
        """Fee year → the bills for this person of whose booking we do not know yet, by the key that the bureau's books
        have them under; with `payer_id` only those of that payer."""
        found = (
            select(OrderLineRow, OrderRow.paid_at)
            .join(OrderRow, OrderLineRow.order_no == OrderRow.order_no)
            .where(
                OrderLineRow.insured_id == person_id,
                OrderLineRow.booked_on.is_(None),
                OrderLineRow.returned_at.is_(None),
                OrderRow.state == OrderState.APPLIED,
            )
            .order_by(OrderRow.paid_at)
        )
        if payer_id is not None:
            found = found.where(OrderRow.payer_id == payer_id)
        pending: dict[int, dict[str, Unbooked]] = {}
        async with self._desk.database.read() as session:
            for line, paid_at in await session.execute(found):
                if paid_at:
                    bill = _unbooked(line, self._desk.local(paid_at))
                    pending.setdefault(line.year, {})[line.key] = bill
        return pending

    async def sweep(self) -> None:
        """Give every unfinished order its job again if it has lost it (a restored backup, a dead job)."""
        await sweeping.sweep(self._desk)

    async def count_findings(self) -> Mapping[str, int]:
        """What the last looks at the money found broken, by invariant."""
        return await auditing.count_findings(self._desk.database)

    # --- inside -----------------------------------------------------------------------------------------

    async def _changed(self, draft: Draft) -> Changed | None:
        """Read the bureau again; a new draft if what was shown is no longer true."""
        bills = [await self._read_again(bill) for bill in draft.bills]
        if [digest(bill) for bill in bills] == [digest(bill) for bill in draft.bills]:
            return None
        return Changed(old=draft, draft=await self._again(draft, bills))

    async def _read_again(self, bill: Bill) -> Bill:
        person = await self._desk.get_person(bill.insured_id)
        return replace(bill, quote=await self._desk.bureau.quote(person, bill.quote.dues))

    async def _again(self, draft: Draft, bills: Sequence[Bill]) -> Draft:
        return await self.draft(conversation_id=draft.conversation_id, payer_id=draft.payer_id, bills=bills)

    async def _open(self, draft: Draft) -> str:
        """The draft's order, after earlier ones with other figures have been closed."""
        for _ in range(TRIES):
            try:
                opened = await drafts.open_order(self._desk, draft)
            except IntegrityError:
                continue  # another process has just made one for this bill: found at the next look
            if opened.order_no is None:
                paid = await self._close_rivals(opened.rivals, draft.payer_id)
                if paid is not None:
                    return paid
                continue
            if opened.lease is not None:
                await self._desk.durable.run_quietly(opened.lease)
            else:
                await self._issue(opened.order_no)
            return opened.order_no
        raise Unavailable

    async def _close_rivals(self, rivals: Sequence[str], payer_id: str) -> str | None:
        """Close them; the number of one that turned out to be paid. `Refused` when one may still be paid."""
        for order_no in rivals:
            try:
                await watching.close_at_gateway(self._desk, order_no, reason="superseded", telling=True)
            except ServiceError as error:
                log.warning("closing_put_off", order_no=order_no, code=error.code)
            order = await self._desk.get(order_no)
            if is_captured(order):
                return order_no
            if order.state in OPEN:
                until = self._desk.local(order.expires_at) + GRACE
                own = (
                    {"order_no": order_no} if order.payer_id == payer_id else {}
                )  # who else pays is not told
                raise Refused("earlier_order_open", until=until, **own)
        return None

    async def _issue(self, order_no: str) -> None:
        """Go on with an order that has not reached the gateway, unless somebody else is at it."""
        order = await self._desk.get(order_no)
        if order.state is not OrderState.NEW:
            return
        lease = await self._desk.durable.lease(jobs.ISSUE, order_no)
        if lease is not None:
            await self._desk.durable.run_quietly(lease)

    async def _placed(self, draft: Draft, order_no: str) -> Placed | Changed:
        reason = await issuing.find_closing_reason(self._desk, order_no)
        if reason == issuing.FIGURES_CHANGED:
            bills = [await self._read_again(bill) for bill in draft.bills]
            return Changed(old=draft, draft=await self._again(draft, bills))
        if reason in BUREAU_REFUSALS:
            raise Refused(reason)
        if await issuing.waits_for_gateway(self._desk, order_no):
            raise Unavailable("gateway_busy")
        return Placed(order=await self._get_view(order_no))

    async def _post_soon(self, order_no: str) -> None:
        """Let the bureau know before the resident is told, if it answers soon; else the worker goes on."""
        waited = 0.0
        while waited < POST_PATIENCE and await settling.is_unposted(self._desk, order_no):
            lease = await self._desk.durable.lease(jobs.POST, order_no)
            if lease is not None:
                posting = asyncio.create_task(self._desk.durable.run_quietly(lease))
                self._posting.add(posting)
                posting.add_done_callback(self._posting.discard)
                await asyncio.wait({posting}, timeout=POST_PATIENCE)
                return
            await asyncio.sleep(POST_LOOK)  # a worker is at it
            waited += POST_LOOK

    async def _get_view(self, order_no: str) -> OrderView:
        view = await self._desk.view(order_no)
        if view is None:
            raise Refused("unknown_order")
        return view


def _unbooked(line: OrderLineRow, paid_at: datetime) -> Unbooked:
    quote = load_quote(line.quote)
    dues = quote.dues
    return Unbooked(
        paid_at=paid_at,
        insured_group=dues.insured_group,
        insurance=dues.insurance,
        fee_period=dues.fee_period or quote.fee_period,
        fee_year=dues.fee_year,
    )
