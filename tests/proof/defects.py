"""Defects that somebody could build in: each is one change of the real code, and each must be found.

A defect is a context manager over `Patch`; `finds` is the check that sees it, or None: the schedules do.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from unittest import mock

from sqlalchemy import text

from services import durable
from services.adapters.alipay import client as alipay_client
from services.adapters.alipay import gateway as alipay
from services.domain.errors import OutcomeUnknown, Refused
from services.domain.ids import new_id
from services.domain.orders import OrderState, RefundState
from services.payment import desk, drafts, evidence, issuing, refunding, service, settling, watching
from services.payment.evidence import Verdict
from services.store import orders
from services.store.orders import LIVE, EntryRow, PostingRow
from tests.proof import checks
from tests.proof.checks import Check
from tests.proof.peers import WitnessBureau
from tests.proof.world import World

patch = mock.patch.object
Patch = AbstractContextManager[Any]


@dataclass(frozen=True)
class Defect:
    words: str
    apply: Callable[[], Patch]
    finds: Check | None = None
    seeds: tuple[int, ...] = ()
    """Schedules that were seen to find it: tried first, so that the test is quick."""


DEFECTS: dict[str, Defect] = {}


def defect(
    words: str, *, finds: Check | None = None, seeds: tuple[int, ...] = ()
) -> Callable[[Callable[[], Iterator[None]]], None]:
    def keep(change: Callable[[], Iterator[None]]) -> None:
        DEFECTS[change.__name__] = Defect(words, contextmanager(change), finds, seeds)

    return keep


# --- one bill, one order ----------------------------------------------------------------------------------


@contextmanager
def _without_indexes() -> Iterator[None]:
    real = World.prepare

    async def prepare(self: World) -> None:
        await real(self)
        async with self.database.begin() as session:
            for state in ("live", "applied"):
                await session.execute(text(f"DROP INDEX uq_bill_claim_{state}"))

    with patch(World, "prepare", prepare):
        yield


@defect("no UNIQUE on applied claims", finds=checks.the_database_refuses_a_second_applied_order)
def no_unique_index() -> Iterator[None]:
    with _without_indexes():
        yield


@defect(
    "a second order number for a live bill: neither looked for nor kept out by the database", seeds=(1, 3)
)
def second_order_for_a_live_bill() -> Iterator[None]:
    async def nobody(*_: Any) -> list[tuple[str, str]]:
        return []

    with _without_indexes(), patch(drafts, "_holders", nobody):
        yield


@defect("a second payment of a settled bill is applied too", seeds=(11, 48))
def second_payment_applied() -> Iterator[None]:
    async def never(*_: Any) -> bool:
        return False

    with _without_indexes(), patch(evidence, "bill_is_settled", never):
        yield


@defect("claims stay when an order is closed", seeds=(0, 1))
def claims_are_not_released() -> Iterator[None]:
    real = evidence._claims

    async def claims(session: Any, order: Any, old: str, new: str, **line: Any) -> None:
        if old != LIVE:
            await real(session, order, old, new, **line)

    with patch(evidence, "_claims", claims):
        yield


# --- evidence ---------------------------------------------------------------------------------------------


@defect("a notification is acknowledged before it is committed", seeds=(81, 89))
def acknowledged_before_commit() -> Iterator[None]:
    real = service.Payment.on_notification

    async def on_notification(self: Any, form: Any, **named: Any) -> bool:
        order = await self._desk.find(form["out_trade_no"])
        if order is None or form["sign"] != "right" or Decimal(form["total_amount"]) != order.total:
            return await real(self, form, **named)
        asyncio.create_task(real(self, form, **named))  # noqa: RUF006
        return True

    with patch(service.Payment, "on_notification", on_notification):
        yield


@defect("a notification is acknowledged whatever was made of it", seeds=(7, 9))
def acknowledged_unread() -> Iterator[None]:
    real = service.Payment.on_notification

    async def on_notification(self: Any, form: Any, **named: Any) -> bool:
        await real(self, form, **named)
        return True

    with patch(service.Payment, "on_notification", on_notification):
        yield


@defect("the captured amount is not compared with the order's", seeds=(7, 9))
def amount_unchecked() -> Iterator[None]:
    real = evidence._paid

    async def paid(case: Any) -> Verdict:
        return await real(replace(case, facts=replace(case.facts, total=case.order.total)))

    with patch(evidence, "_paid", paid):
        yield


@defect("the same notification is applied twice", seeds=(0, 1))
def applied_twice() -> Iterator[None]:
    async def paid(case: Any) -> Verdict:
        if not case.order.captured:
            case.order.captured = case.facts.total
        await orders.record_entry(
            case.session, case.order.order_no, "captured", ref=new_id(), debit="gateway_cash",
            credit="due_to_bureau", amount=case.order.total, at=case.desk.clock.now(),
        )  # fmt: skip
        return Verdict.TAKEN if evidence.is_captured(case.order) else await real(case)

    real = evidence._paid
    with patch(evidence, "_paid", paid):
        yield


@defect("closed is final: money that comes late is dropped", seeds=(1, 2))
def closed_is_final() -> Iterator[None]:
    real = evidence._decide

    async def decide(case: Any) -> Verdict:
        return Verdict.TAKEN if case.order.state is OrderState.CLOSED else await real(case)

    with patch(evidence, "_decide", decide):
        yield


@defect("“does not exist” is trusted before expiry and grace", seeds=(25, 29))
def trusted_not_exist() -> Iterator[None]:
    with patch(evidence, "over", lambda *_: True):
        yield


@defect("the signature of a notification is not verified", finds=checks.only_the_gateways_signature_counts)
def unverified_signature() -> Iterator[None]:
    with patch(alipay_client, "verifies", lambda *_: True):
        yield


@defect("a notification for another application is believed", finds=checks.only_our_application_counts)
def app_id_unchecked() -> Iterator[None]:
    real = alipay_client.AlipayClient.verify_notification

    def verify(self: Any, form: Any) -> None:
        with patch(self, "app_id", form["app_id"]):
            real(self, form)

    with patch(alipay_client.AlipayClient, "verify_notification", verify):
        yield


@defect("a notification for another seller is believed", finds=checks.only_our_seller_counts)
def seller_id_unchecked() -> Iterator[None]:
    real = alipay.AlipayGateway.read_notification

    def read(self: Any, form: Any) -> Any:
        with patch(self, "_seller_id", form["seller_id"]):
            return real(self, form)

    with patch(alipay.AlipayGateway, "read_notification", read):
        yield


@defect(
    "a query's answer about another order is believed",
    finds=checks.an_answer_about_another_order_is_no_evidence,
)
def another_orders_answer() -> Iterator[None]:
    with patch(alipay, "_same_order", lambda *_: None):
        yield


# --- one transaction --------------------------------------------------------------------------------------


@defect("the journal is written in a transaction of its own, after the state", seeds=(26, 47))
def state_and_journal_apart() -> Iterator[None]:
    real = orders.record_entry
    world = _TheWorld()

    async def record(_session: Any, *args: Any, **named: Any) -> None:
        async def later() -> None:
            async with world.now.database.begin() as session:
                await real(session, *args, **named)

        asyncio.create_task(later())  # noqa: RUF006

    with world, patch(evidence, "record_entry", record), patch(settling, "record_entry", record):
        yield


@defect("the journal has one side only", seeds=(0, 1))
def one_sided_journal() -> Iterator[None]:
    async def record(session: Any, order_no: str, kind: str, *, debit: str, amount: Decimal, at: Any, ref: str = "", **_: Any) -> None:  # fmt: skip
        entry_id = new_id("j")
        session.add(EntryRow(entry_id=entry_id, order_no=order_no, kind=kind, ref=ref, at=at))
        await session.flush()
        session.add(PostingRow(entry_id=entry_id, account=debit, amount=amount))

    with patch(evidence, "record_entry", record):
        yield


@defect("a state is moved without its history", seeds=(0, 1))
def moved_without_history() -> Iterator[None]:
    def move(_session: Any, order: Any, new: OrderState, *, reason: str, at: Any) -> None:
        order.moves, order.state, order.reason = order.moves + 1, new, reason

    with patch(evidence, "move_to", move):
        yield


@defect("the posting is not asked for in the transaction that applies", seeds=(0, 1))
def posting_forgotten() -> Iterator[None]:
    with _never_enqueued(desk.POST):
        yield


@defect("the surplus is not refunded", seeds=(7, 9))
def surplus_kept() -> Iterator[None]:
    with _never_enqueued(desk.REFUND):
        yield


@defect("nobody asks the gateway: without a notification a payment is not known", seeds=(0, 1))
def no_watch() -> Iterator[None]:
    with _never_enqueued(desk.WATCH):
        yield


@contextmanager
def _never_enqueued(kind: str) -> Iterator[None]:
    real = durable.Durable.enqueue

    async def enqueue(self: Any, session: Any, asked: str, subject: str, **named: Any) -> None:
        if asked != kind:
            await real(self, session, asked, subject, **named)

    with patch(durable.Durable, "enqueue", enqueue):
        yield


# --- calls ------------------------------------------------------------------------------------------------


@defect("the gateway is called before the intent is committed", seeds=(0, 1))
def intent_after_the_call() -> Iterator[None]:
    real = issuing._intend

    async def intend(asked: Any, lease: Any) -> bool:
        order = await asked.get(lease.subject)
        await asked.gateway_of(order).place(
            order_no=order.order_no, total=order.total, subject="x", expires_at=asked.local(order.expires_at)
        )
        return await real(asked, lease)

    with patch(issuing, "_intend", intend):
        yield


@defect("a timeout of the gateway counts as a failure: the order is closed", seeds=(7, 25))
def timeout_is_failure() -> Iterator[None]:
    real = issuing._place

    async def place(asked: Any, lease: Any) -> None:
        try:
            await real(asked, lease)
        except OutcomeUnknown as error:
            await issuing._refused(asked, lease, Refused(error.code))

    with patch(issuing, "_place", place):
        yield


@defect(
    "a refusal of a repeated call counts as if the first had never arrived",
    finds=checks.a_refusal_after_an_unknown_outcome_closes_nothing,
)
def refused_again_is_never_there() -> Iterator[None]:
    real = issuing._intend

    async def intend(asked: Any, lease: Any) -> bool:
        wanted = await real(asked, lease)
        async with asked.database.begin() as session:
            (await desk.get_locked(session, lease.subject)).sends = 1
        return wanted

    with patch(issuing, "_intend", intend):
        yield


@defect("each refund call has a number of its own", seeds=(7, 9))
def new_refund_number() -> Iterator[None]:
    with _with_gateway("refund", "request_no", "R"):
        yield


@defect("each posting has a key of its own", seeds=(0, 1))
def new_posting_key() -> Iterator[None]:
    real = WitnessBureau.post_payment

    async def post(self: Any, **named: Any) -> Any:
        return await real(self, **{**named, "key": new_id("K")})

    with patch(WitnessBureau, "post_payment", post):
        yield


@defect("a refund is done when it has been sent", finds=checks.refunded_is_what_the_gateway_shows)
def sent_is_refunded() -> Iterator[None]:
    real = refunding._is_done

    async def is_done(asked: Any, lease: Any, row: Any) -> bool:
        class Believing:
            async def find_refund(self, **named: Any) -> Any:
                facts = await gateway.find_refund(**named)
                return replace(facts, done=True, amount=row.amount)

        gateway = asked.gateway_of(await asked.get(row.order_no))
        return await real(replace(asked, gateways={gateway.provider: Believing()}), lease, row)

    with patch(refunding, "_is_done", is_done):
        yield


@defect(
    "a timeout of a refund counts as a refusal for good",
    finds=checks.a_refund_without_an_answer_is_not_refused,
)
def refund_timeout_is_stuck() -> Iterator[None]:
    real = refunding.refund

    async def refund(asked: Any, lease: Any) -> Any:
        try:
            return await real(asked, lease)
        except OutcomeUnknown as error:
            async with asked.database.read() as session:
                row = await refunding._open_refund(session, lease.subject)
            if row is not None and row.state == RefundState.SENT:
                await refunding._stuck(asked, lease, row.request_no, Refused(error.code))
            return None

    with patch(refunding, "refund", refund):
        yield


@defect("the expiry is relative", finds=checks.the_expiry_is_absolute)
def relative_expiry() -> Iterator[None]:
    real = alipay.AlipayGateway.place

    async def place(self: Any, **named: Any) -> Any:
        client = self._client

        async def call(method: str, biz: dict[str, Any], **rest: Any) -> Any:
            biz = {key: value for key, value in biz.items() if key != "time_expire"}
            return await asked(method, biz | {"timeout_express": "15m"}, **rest)

        asked = client.call
        with patch(client, "call", call):
            return await real(self, **named)

    with patch(alipay.AlipayGateway, "place", place):
        yield


@defect(
    "the figures are not read again at confirmation",
    finds=checks.changed_figures_are_shown_before_anything_is_filed,
)
def figures_not_read_again() -> Iterator[None]:
    async def unchanged(*_: Any) -> None:
        return None

    with patch(service.Payment, "_changed", unchanged):
        yield


@defect(
    "what the bureau files is not compared with what was shown", finds=checks.what_is_filed_is_what_was_shown
)
def filed_total_unchecked() -> Iterator[None]:
    async def declare(asked: Any, lease: Any, line: Any) -> bool:
        dues = issuing.load_quote(line.quote).dues
        person = await asked.get_person(line.insured_id)
        declared = await asked.bureau.declare(person, dues, key=line.key, total=line.amount)
        async with asked.database.begin() as session:
            row = await session.get(orders.OrderLineRow, (line.order_no, line.line))
            row.declaration_no = declared.declaration_no
        return True

    with patch(issuing, "_declare", declare):
        yield


@defect(
    "a posting of unknown outcome is made again unasked",
    finds=checks.the_bureau_is_asked_before_it_is_told_again,
)
def posted_again_unasked() -> Iterator[None]:
    with patch(durable.Lease, "repeated", property(lambda _self: False)):
        yield


@defect("the gateway is asked whenever somebody likes", finds=checks.the_gateway_is_asked_seldom)
def unlimited_queries() -> Iterator[None]:
    async def always(*_: Any) -> bool:
        return True

    with patch(watching, "_take_turn", always):
        yield


# --- processes --------------------------------------------------------------------------------------------


@defect("leases have no fence", finds=checks.a_lost_lease_commits_nothing)
def no_fence() -> Iterator[None]:
    async def held(*_: Any) -> None:
        return None

    with patch(durable.Lease, "check", held):
        yield


@defect("the work of a process that has died is never taken over", seeds=(3, 5))
def leases_for_ever() -> Iterator[None]:
    with patch(durable, "LEASE", durable.timedelta(days=365)):
        yield


# --- tools ------------------------------------------------------------------------------------------------


class _TheWorld:
    """The world that is played now, for a defect that needs its store."""

    now: World

    def __enter__(self) -> "_TheWorld":
        real = World.prepare

        async def prepare(world: World) -> None:
            await real(world)
            self.now = world

        self._patch = patch(World, "prepare", prepare)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


@contextmanager
def _with_gateway(operation: str, name: str, prefix: str) -> Iterator[None]:
    """Every call of `operation` gets a new id as its `name`."""
    real = desk.Desk.gateway_of

    class Changed:
        def __init__(self, gateway: Any) -> None:
            self._gateway = gateway

        def __getattr__(self, asked: str) -> Any:
            method = getattr(self._gateway, asked)
            if asked != operation:
                return method
            return lambda **named: method(**{**named, name: new_id(prefix)})

    with patch(desk.Desk, "gateway_of", lambda self, order: Changed(real(self, order))):
        yield
