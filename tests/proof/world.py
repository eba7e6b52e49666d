"""Residents, devices, the gateway, the bureau, the clock and crashes: what can happen, one act at a time.

Every act takes small numbers that pick among what there is, so that a seed, and hypothesis, can play them. A new
kind of act is one method with `@act`: the schedules and the state machine both find it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import text

from services.domain.errors import ServiceError
from services.payment import Changed, Placed
from services.ports import Clock
from services.store.session import Database
from tests.payment.conftest import Town, make_town
from tests.payment.peers import AFTER, BEFORE, RESIDENT_MEDICAL, pension
from tests.proof.crashes import Crash, Plan
from tests.proof.judge import Judge
from tests.proof.peers import SLOW, Gate, WitnessBureau, WitnessGateway

DUES = (RESIDENT_MEDICAL, pension(), pension(tier="100%"), pension("2026-03/2026-09"))
GATEWAY_CALLS = ("place", "query", "close", "refund", "find_refund")
BUREAU_CALLS = ("quote", "declare", "post_payment", "find_posting")
CALLS = GATEWAY_CALLS + BUREAU_CALLS
MODES = (BEFORE, AFTER, SLOW)
SECONDS = (1, 5, 31)
MINUTES = (1, 5, 16, 19)
TURNS = 400
Act = TypeVar("Act", bound=Callable[..., Awaitable[None]])


def act(weight: int, needs: str = "", **ranges: int) -> Callable[[Act], Act]:
    """Something that can happen: how often, what must be there for it, and how far its numbers go."""

    def mark(method: Act) -> Act:
        method.weight, method.needs, method.ranges = weight, needs, ranges  # type: ignore[attr-defined]
        return method

    return mark


@dataclass
class Shown:
    draft_id: str
    conversation: str


class World:
    """One store, its two peers, and the process that runs now."""

    def __init__(self, database: Database, clock: Clock, plan: Plan, *, swept: bool = True) -> None:
        self.database, self.clock, self.plan, self.swept = database, clock, plan, swept
        self.gateway, self.bureau = WitnessGateway(clock), WitnessBureau(clock)
        self.gateway.committed = self.bureau.committed = self._committed
        self.shown: list[Shown] = []
        self.orders: list[str] = []
        self.notices: list[dict[str, str]] = []
        self.town = self._start()
        self.judge = Judge(self)

    async def prepare(self) -> None:
        """Before anything happens. Defects are built in here."""

    # --- residents and their devices --------------------------------------------------------------------

    @act(2, person=2, device=2, dues=len(DUES))
    async def show(self, person: int, device: int, dues: int) -> None:
        await self._show(person, device, dues)

    @act(7, person=2, device=2, dues=len(DUES), taps=3)
    async def confirm_new(self, person: int, device: int, dues: int, taps: int) -> None:
        shown = await self._show(person, device, dues)
        if shown:
            await self._confirm(*[shown] * (taps + 1))

    @act(3, "shown", pick=5)
    async def confirm_shown(self, pick: int) -> None:
        await self._confirm(self._of(self.shown, pick))

    @act(2, person=2, dues=len(DUES))
    async def confirm_on_all_devices(self, person: int, dues: int) -> None:
        shown = [await self._show(person, device, dues) for device in (0, 1)]
        await self._confirm(*(one for one in shown if one))

    @act(2, payer=2, dues=len(DUES))
    async def confirm_family(self, payer: int, dues: int) -> None:
        """Two people's bills in one payment; each may have, or get, a payment of its own as well."""
        conversation = f"rest:p{payer}-0"
        people = (f"p{payer}", f"p{1 - payer}")
        draft = await self.live(self.town.family(*people, dues=DUES[dues], conversation=conversation))
        if draft is not None:
            self.shown.append(Shown(draft.draft_id, conversation))
            await self._confirm(self.shown[-1])

    @act(3, "payable", pick=5)
    async def open_link(self, pick: int) -> None:
        order_no = self._of(self.payable, pick)
        if await self.live(self.town.payment.open_cashier(order_no)):
            self.gateway.scan(order_no)

    @act(6, "payable", pick=5)
    async def pay(self, pick: int) -> None:
        """Also a link that we have given up, as long as the gateway takes it."""
        order_no = self._of(self.payable, pick)
        await self.live(self.town.payment.open_cashier(order_no))
        self._pay(order_no)

    @act(1, "payable", pick=5)
    async def pay_another_amount(self, pick: int) -> None:
        self._pay(self._of(self.payable, pick), "0.01")

    @act(2, "orders", pick=5)
    async def give_up(self, pick: int) -> None:
        await self.live(self.town.payment.abandon(self._of(self.orders, pick)))

    @act(3, "orders", pick=5)
    async def refresh(self, pick: int) -> None:
        await self.live(self.town.payment.refresh(self._of(self.orders, pick)))

    # --- the gateway and the bureau ---------------------------------------------------------------------

    @act(5, "notices", pick=5, copies=3)
    async def notify(self, pick: int, copies: int) -> None:
        """The gateway's notification, late, again, or several at once; lost if nobody plays this act."""
        form = self._of(self.notices, pick)
        told = [self.town.payment.on_notification(form) for _ in range(copies + 1)]
        if any(taken is True for taken in await self.live_all(*told)):
            self.judge.acknowledged.add(form["out_trade_no"])

    @act(1, pick=5, how=3)
    async def forge(self, pick: int, how: int) -> None:
        """Not signed by the gateway; of a trade that is not ours; another amount."""
        order_no = self._of(self.orders, pick) if self.orders and how != 1 else "GZ1NOTOURS"
        form = {
            "out_trade_no": order_no,
            "total_amount": "1.23",
            "status": "paid",
            "sign": "right",
            "notify_id": "F",
        }
        if how == 0:
            form["sign"] = "wrong"
        told = await self.live(self.town.payment.on_notification(form))
        self.judge.believed_a_forgery = self.judge.believed_a_forgery or told is True

    @act(3, call=len(CALLS), mode=len(MODES))
    async def break_call(self, call: int, mode: int) -> None:
        peer = self.gateway if CALLS[call] in GATEWAY_CALLS else self.bureau
        peer.fail(CALLS[call], MODES[mode])

    @act(2, which=5)
    async def refuse(self, which: int) -> None:
        """Somebody is refused for good, until it is refused no more."""
        if which == 0:
            self.gateway.books["refuses_orders"] = not self.gateway.books.get("refuses_orders")
        elif which == 1:
            self.gateway.books["refuses_refunds"] = not self.gateway.books.get("refuses_refunds")
        elif which == 2 and self.bureau.refuses_lines.pop("2", None) is None:
            self.bureau.refuses_lines["2"] = "already_paid"
        elif which > 2:
            call = ("declare", "post_payment")[which - 3]
            if self.bureau.refuses.pop(call, None) is None:
                self.bureau.refuses[call] = "already_paid"

    @act(1, dear=2)
    async def new_prices(self, dear: int) -> None:
        self.bureau.dear = type(self.bureau.dear)(dear) * 12

    @act(1, "posted", pick=5)
    async def book(self, pick: int) -> None:
        self.bureau.book(self._of(self.posted, pick))

    # --- the service, the clock and the power -----------------------------------------------------------

    @act(6, seconds=len(SECONDS))
    async def work(self, seconds: int) -> None:
        self.clock.advance(seconds=SECONDS[seconds])  # type: ignore[attr-defined]
        await self.live(self.town.durable.run_due())

    @act(1, seconds=len(SECONDS))
    async def work_in_two_processes(self, seconds: int) -> None:
        self.clock.advance(seconds=SECONDS[seconds])  # type: ignore[attr-defined]
        await self.live_all(self.town.durable.run_due(), self._start().durable.run_due())

    @act(2, call=len(CALLS), effect_first=2)
    async def oversleep(self, call: int, effect_first: int) -> None:
        """A process stops in a call for longer than its lease lasts; another takes over; then it wakes."""
        peer = self.gateway if CALLS[call] in GATEWAY_CALLS else self.bureau
        gate = peer.gate = Gate(CALLS[call], effect_first=bool(effect_first))
        self.clock.advance(seconds=31)  # type: ignore[attr-defined]
        sleeper = asyncio.ensure_future(self.town.durable.run_due())
        for _ in range(TURNS):
            if gate.reached.is_set() or sleeper.done():
                break
            await asyncio.sleep(0)
        peer.gate = None
        if gate.reached.is_set():
            self.clock.advance(seconds=9)  # type: ignore[attr-defined]
            await self.live(self._start().durable.run_due(), restart=False)
        gate.opened.set()
        await self.live(sleeper)

    @act(2, minutes=len(MINUTES))
    async def wait(self, minutes: int) -> None:
        self.clock.advance(minutes=MINUTES[minutes])  # type: ignore[attr-defined]

    @act(5, points=12)
    async def crash_soon(self, points: int) -> None:
        self.plan.arm(points + 1)

    # --- the end ----------------------------------------------------------------------------------------

    async def heal(self) -> None:
        """No faults, time passes, workers work. Nobody reconciles, nobody asks, no notification comes."""
        self.plan.disarm()
        self.gateway.heal()
        self.bureau.heal()
        self.bureau.refuses.clear()
        self.bureau.refuses_lines.clear()
        self.gateway.books.pop("refuses_orders", None)
        waiting = list(self.town.payment._posting)
        await asyncio.gather(*waiting, return_exceptions=True)  # until a peer that was silent is given up
        for minutes in (6, 20, 6):
            self.clock.advance(minutes=minutes)  # type: ignore[attr-defined]
            await self.town.durable.run_due()

    # --- inside -----------------------------------------------------------------------------------------

    async def live(self, work: Awaitable[Any], *, restart: bool = True) -> Any:
        """Its answer; None for a refusal or an outage, and for a process that has died and stands again."""
        [answer] = await self.live_all(work, restart=restart)
        return answer

    async def live_all(self, *work: Awaitable[Any], restart: bool = True) -> list[Any]:
        done = await asyncio.gather(*work, return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException) and not isinstance(one, ServiceError | Crash):
                raise one
        if self.plan.fired and restart:
            await self.restart()
        return [None if isinstance(one, BaseException) else one for one in done]

    async def restart(self) -> None:
        """Whatever ran is gone with what it had not committed; a new process stands on the store."""
        here = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not here]
        for task in left:
            if not _gives_back(task):
                task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self.gateway.gate = self.bureau.gate = None
        self.plan.disarm()
        self.town = self._start()

    def _start(self) -> Town:
        """A process of its own. Few have the sweep: a job that is lost must not be found by the net below the net."""
        town = make_town(self.database, self.clock, self.gateway, self.bureau)  # type: ignore[arg-type]
        for kind in ("audit", "audit_all", *([] if self.swept else ["sweep"])):
            town.durable._kinds.pop(kind)  # the judge looks at the money himself
        return town

    async def _show(self, person: int, device: int, dues: int) -> Shown | None:
        who, conversation = f"p{person}", f"rest:p{person}-{device}"
        draft = await self.live(self.town.draft(DUES[dues], conversation=conversation, person=who))
        if draft is None:
            return None
        self.shown.append(Shown(draft.draft_id, conversation))
        return self.shown[-1]

    async def _confirm(self, *shown: Shown) -> None:
        placing = [self.town.payment.place(s.draft_id, conversation_id=s.conversation) for s in shown]
        for one, placed in zip(shown, await self.live_all(*placing), strict=True):
            if isinstance(placed, Changed):
                self.shown.append(Shown(placed.draft.draft_id, one.conversation))
            if isinstance(placed, Placed) and placed.order.order_no not in self.orders:
                self.orders.append(placed.order.order_no)
        for order_no in self.gateway.table("trades"):
            if order_no not in self.orders:
                self.orders.append(order_no)

    def _pay(self, order_no: str, amount: str | None = None) -> None:
        facts = self.gateway.pay(order_no, amount)
        self.notices.append(
            {
                "out_trade_no": order_no, "total_amount": str(facts.total), "status": "paid", "sign": "right",
                "notify_id": order_no,
            }
        )  # fmt: skip

    @property
    def payable(self) -> list[str]:
        """Trades that the gateway takes money for: some are paid in the last second, or late."""
        now = self.clock.now()
        return [no for no in self.gateway.table("trades") if self.gateway.payable(no, now)]

    @property
    def posted(self) -> list[str]:
        return list(self.bureau.table("payments"))

    def can(self, name: str) -> bool:
        needs = ACTS[name].needs
        return not needs or bool(getattr(self, needs))

    @staticmethod
    def _of(things: list[Any], pick: int) -> Any:
        """The newest first: what happened last is the most interesting."""
        return things[-1 - pick % len(things)]

    async def _committed(self, sql: str, named: dict[str, Any]) -> bool:
        return await self.database.look(lambda rows: rows.execute(text(sql), named).first() is not None)


def _gives_back(task: "asyncio.Task[Any]") -> bool:
    """SQLAlchemy's own task that rolls a connection back and returns it: a dead process's connections are gone."""
    return getattr(task.get_coro(), "__qualname__", "").endswith(".close")


ACTS: dict[str, Any] = {name: method for name, method in vars(World).items() if hasattr(method, "weight")}
