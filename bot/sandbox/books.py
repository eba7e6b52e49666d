"""What the simulated peers share: their database, the clock, and the faults that tests order."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import MetaData, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.adapters.clock import SandboxClock
from services.store.session import Database


class SandboxBase(DeclarativeBase):
    """Base of all tables in `sandbox.db`."""

    metadata = MetaData()


class FaultRow(SandboxBase):
    __tablename__ = "fault"

    id: Mapped[int] = mapped_column(primary_key=True)
    peer: Mapped[str]
    operation: Mapped[str]
    mode: Mapped[str]
    times_left: Mapped[int]
    seconds: Mapped[float | None]
    delta: Mapped[str | None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    mode: str
    seconds: float
    delta: Decimal


class Books:
    """The sandbox's own store. `open()` once per process before use."""

    def __init__(self, data_dir: Path, clock: SandboxClock) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.clock = clock
        self.database = Database(f"sqlite+aiosqlite:///{data_dir.absolute()}/sandbox.db")

    async def open(self) -> None:
        async with self.database.engine.begin() as connection:
            await connection.run_sync(SandboxBase.metadata.create_all)

    async def close(self) -> None:
        await self.database.close()

    async def order_fault(
        self, peer: str, operation: str, mode: str, *, times: int, seconds: float | None, delta: str | None
    ) -> None:
        row = FaultRow(
            peer=peer, operation=operation, mode=mode, times_left=times, seconds=seconds, delta=delta
        )
        async with self.database.begin() as session:
            session.add(row)

    async def clear_faults(self, peer: str) -> None:
        async with self.database.begin() as session:
            for row in await session.scalars(select(FaultRow).where(FaultRow.peer == peer)):
                await session.delete(row)

    async def take_fault(self, peer: str, operation: str, *, modes: set[str] | None = None) -> Fault | None:
        """The oldest fault for this call, counted down; None when the call may go on."""
        wanted = (
            select(FaultRow)
            .where(FaultRow.peer == peer, FaultRow.operation.in_([operation, "*"]), FaultRow.times_left > 0)
            .order_by(FaultRow.id)
        )
        async with self.database.read() as session:
            if (await session.scalars(wanted)).first() is None:
                return None
        async with self.database.begin() as session:
            for row in await session.scalars(wanted):
                if modes is None or row.mode in modes:
                    row.times_left -= 1
                    return Fault(mode=row.mode, seconds=row.seconds or 0.0, delta=Decimal(row.delta or "0"))
        return None

    async def stall(self, fault: Fault, default: float) -> None:
        await asyncio.sleep(fault.seconds or default)
