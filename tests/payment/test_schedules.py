"""Random schedules, each from one seed: whatever happens in whatever order, the money adds up in the end."""

import os
import random
from contextlib import suppress
from datetime import datetime

import pytest

from services.domain.errors import ServiceError
from services.payment import Changed
from tests.payment.conftest import Town
from tests.payment.peers import AFTER, BEFORE, RESIDENT_MEDICAL, pension

SEEDS = 200 if os.environ.get("SHEBAO_TEST_FULL") else 4
STEPS = 45
DUES = (RESIDENT_MEDICAL, pension(), pension(tier="100%"), pension("2026-03/2026-09"))
CALLS = ("place", "query", "close", "refund", "find_refund")
BUREAU_CALLS = ("quote", "declare", "post_payment", "find_posting")


class Schedule:
    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.dice = random.Random(seed)
        self.orders: list[str] = []

    async def step(self) -> None:
        acts = (self.place, self.place, self.pay, self.pay, self.scan, self.give_up, self.refresh, self.work,
                self.work, self.wait, self.break_something, self.notify_twice)  # fmt: skip
        with suppress(ServiceError):
            await self.dice.choice(acts)()

    async def place(self) -> None:
        person = self.dice.choice(["p1", "p2"])
        conversation = f"rest:{person}-{self.dice.randrange(2)}"
        draft = await self.town.draft(self.dice.choice(DUES), conversation=conversation, person=person)
        try:
            placed = await self.town.payment.place(draft.draft_id, conversation_id=conversation)
        finally:
            latest = await self.town.payment.find_latest(conversation)
            if latest:
                self.orders.append(latest.order_no)
        if isinstance(placed, Changed):
            await self.town.payment.place(placed.draft.draft_id, conversation_id=conversation)

    async def pay(self) -> None:
        order_no = self._payable()
        if order_no is None:
            return
        await self.town.payment.open_cashier(order_no)
        facts = self.town.gateway.pay(order_no)
        if self.dice.random() < 0.5:
            await self._notify(order_no, str(facts.total))

    async def scan(self) -> None:
        order_no = self._payable()
        if order_no:
            await self.town.payment.open_cashier(order_no)
            self.town.gateway.scan(order_no)

    async def notify_twice(self) -> None:
        paid = [n for n, t in self.town.gateway.table("trades").items() if "paid" in t]
        if paid:
            order_no = self.dice.choice(paid)
            await self._notify(order_no, self.town.gateway.trade(order_no)["paid"])

    async def give_up(self) -> None:
        if self.orders:
            await self.town.payment.abandon(self.dice.choice(self.orders))

    async def refresh(self) -> None:
        if self.orders:
            await self.town.payment.refresh(self.dice.choice(self.orders))

    async def work(self) -> None:
        await self.town.run(seconds=self.dice.choice([1, 5, 31]))

    async def wait(self) -> None:
        self.town.clock.advance(minutes=self.dice.choice([1, 5, 16, 19]))

    async def break_something(self) -> None:
        mode = self.dice.choice([BEFORE, AFTER])
        if self.dice.random() < 0.5:
            self.town.gateway.fail(self.dice.choice(CALLS), mode)
        elif self.dice.random() < 0.9:
            self.town.bureau.fail(self.dice.choice(BUREAU_CALLS), mode)
        else:
            self.town.bureau.refuses["post_payment"] = "already_paid"

    async def heal(self) -> None:
        """No faults, time passes, workers work."""
        self.town.gateway.heal()
        self.town.bureau.heal()
        self.town.bureau.refuses.clear()
        for _ in range(8):
            await self.town.run(minutes=1)
        await self.town.run(minutes=20)
        await self.town.run(minutes=20)

    def _payable(self) -> str | None:
        """A trade that the gateway would still take money for: some are paid in the last second, or late."""
        now = self.town.clock.now()
        found = [
            order_no
            for order_no, trade in self.town.gateway.table("trades").items()
            if trade["status"] in {"absent", "waiting"} and datetime.fromisoformat(trade["expires_at"]) > now
        ]
        return self.dice.choice(found) if found else None

    async def _notify(self, order_no: str, total: str) -> None:
        form = {"out_trade_no": order_no, "total_amount": total, "status": "paid", "sign": "right"}
        await self.town.payment.on_notification({**form, "notify_id": order_no})


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_money_adds_up(town: Town, seed: int) -> None:
    schedule = Schedule(town, seed)
    for _ in range(STEPS):
        await schedule.step()
        open_trades = [t for t in town.gateway.table("trades").values() if t.get("payments", 0) > 1]
        assert open_trades == []
    await schedule.heal()
    await town.check_invariants()
    for order_no, trade in town.gateway.table("trades").items():
        status = await town.status(order_no)
        paid = "paid" in trade
        assert status in ({"paid", "refunded"} if paid else {"closed"}), (order_no, trade)
        assert (order_no in town.bureau.table("payments")) == (status == "paid")
    assert all(row["times"] == 1 for row in town.bureau.table("payments").values())
