"""A database that was put back to an earlier point: reconciliation alone repairs what evidence allows (`reliability` P20, 6)."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.domain.errors import Unavailable
from services.store.orders import OrderLineRow, OrderRow
from services.store.session import Database
from tests.conftest import FixedClock, copy_empty_sqlite
from tests.payment.peers import FakeBureau, FakeGateway
from tests.reconciliation.conftest import MONDAY, WEDNESDAY, Desk, make_desk, told

POINTS = ("declare", "place", "query", "post_payment", "find_posting")
"""Before the answer to these calls was stored the backup was made."""


class Store:
    """One SQLite file, its backup, and the peers that remember everything."""

    def __init__(self, url: str, clock: FixedClock) -> None:
        self.url, self.clock = url, clock
        self.file = Path(url.partition("///")[2])
        self.gateway, self.bureau = FakeGateway(clock), FakeBureau(clock)
        self.desk = self._open()

    def _open(self, **settings: object) -> Desk:
        return make_desk(Database(self.url), self.clock, self.gateway, self.bureau, **settings)

    def back_up(self) -> None:
        backup = self.file.with_suffix(".backup")
        with sqlite3.connect(self.file) as source, sqlite3.connect(backup) as target:
            source.backup(target)

    def back_up_at(self, operation: str) -> None:
        """When the peer is called for the first time; it does its work all the same."""
        peer: Any = self.gateway if hasattr(self.gateway, operation) else self.bureau
        call: Callable[..., Awaitable[Any]] = getattr(peer, operation)

        async def copied(*given: Any, **named: Any) -> Any:
            setattr(peer, operation, call)
            self.back_up()
            return await call(*given, **named)

        setattr(peer, operation, copied)

    async def put_back(self, **settings: object) -> Desk:
        await self.desk.town.database.close()
        for old in self.file.parent.glob(f"{self.file.name}*"):
            old.unlink()
        self.file.with_suffix(".backup").rename(self.file)
        self.desk = self._open(**settings)
        return self.desk


@pytest.fixture
async def store(made: dict[str, str], tmp_path: Path, clock: FixedClock) -> AsyncIterator[Store]:
    opened = Store(await copy_empty_sqlite(made, tmp_path), clock)
    yield opened
    await opened.desk.town.database.close()


async def test_put_back_to_before_the_payment_the_order_is_paid_and_posted(store: Store) -> None:
    order = await store.desk.town.place()
    store.back_up()
    await store.desk.town.scan(order.order_no)
    store.gateway.pay(order.order_no)
    form = {"out_trade_no": order.order_no, "total_amount": "400.00", "status": "paid", "sign": "right"}
    assert await store.desk.town.payment.on_notification(form)
    await store.desk.town.run()
    assert await store.desk.state(order.order_no) == "applied"
    desk = await store.put_back()
    assert await desk.state(order.order_no) == "issued"
    await desk.next_day()
    assert told((await desk.run(MONDAY)).findings) == [("long", "mended", "taken_in")]
    await _is_whole(desk, order.order_no)


@pytest.mark.parametrize("point", POINTS)
async def test_put_back_to_any_point_of_a_payment(store: Store, point: str) -> None:
    store.back_up_at(point)
    order_no = await store.desk.paid()
    store.bureau.book(order_no)
    store.clock.advance(days=2)
    await store.desk.town.payment.refresh(order_no)
    desk = await store.put_back()
    await desk.next_day()
    await desk.run(MONDAY)
    await desk.run(WEDNESDAY)
    assert await desk.reconciliation.find_open() == []
    await _is_whole(desk, order_no)
    view = await desk.town.payment.find_order(order_no)
    assert view is not None
    assert view.booked
    assert store.gateway.calls["place"] == 1


async def test_put_back_to_before_the_order_its_money_is_kept_as_a_finding(store: Store) -> None:
    store.back_up()
    await store.desk.paid()
    desk = await store.put_back()
    await desk.next_day()
    assert told((await desk.run(MONDAY)).findings) == [("long", "open", "order_lost")]
    assert await desk.count(OrderRow) == 0


async def test_nothing_new_is_paid_before_the_bills_since_the_backup_are_taken_in(store: Store) -> None:
    known = await store.desk.town.place(person="p1", conversation="rest:p1")
    store.back_up()
    await store.desk.paid("p2")
    desk = await store.put_back(restored_at=store.clock.now())
    with pytest.raises(Unavailable, match="reconcile_first") as told_when:
        await desk.town.place(person="p2", conversation="rest:p2")
    assert told_when.value.facts["until"].isoformat() == "2026-11-24T10:00:00+08:00"
    assert (await desk.town.place(person="p1", conversation="rest:p1")).order_no == known.order_no
    await desk.next_day()
    await desk.reconciliation.catch_up()
    assert (await desk.town.place(person="p3", conversation="rest:p3")).status == "pending"


async def test_put_back_several_days_all_of_them_are_done_by_themselves(store: Store) -> None:
    await store.desk.town.run()
    first = await store.desk.town.place(person="p1", conversation="rest:p1")
    second = await store.desk.town.place(person="p2", conversation="rest:p2")
    store.back_up()
    for order in (first, second):
        store.gateway.pay(order.order_no)
        store.gateway.trade(order.order_no)["trade_no"] = f"T-{order.order_no}"
        await store.desk.town.run(days=1)
    desk = await store.put_back()
    await desk.next_day()
    await desk.reconciliation.catch_up()
    for order in (first, second):
        await _is_whole(desk, order.order_no)
    assert await desk.reconciliation.find_open() == []


async def _is_whole(desk: Desk, order_no: str) -> None:
    assert await desk.state(order_no) == "applied"
    assert desk.town.bureau.table("payments")[order_no]["amount"] == "400.00"
    async with desk.town.database.read() as session:
        lines = await session.scalars(select(OrderLineRow).where(OrderLineRow.order_no == order_no))
        assert all(line.payment_no and line.declaration_no for line in lines)
    await desk.town.check_invariants()
