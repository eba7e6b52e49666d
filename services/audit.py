"""The audit trail (`reliability` I13): a row in the transaction of the action itself, chained by hashes.

A row's hash covers its fields and the hash of the row before it, so a row that was changed, taken out or put
in breaks the chain from there on; the head says where the chain ends.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.store.audit import AuditHeadRow, AuditRow
from services.store.session import Database

ROOT = "0" * 64
HEAD = 1
PAGE = 1000
SERVICE, SHELL = "service", "shell"
"""Who acts by himself: the service, and whoever may use the machine itself."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row as it is exported; `at` is ISO 8601 in UTC."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    reason: str
    detail: str
    before: str
    hash: str


class ChainBroken(ValueError):
    """`seq` is the first row that does not fit."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the audit trail is broken at row {seq}")
        self.seq = seq


async def record(
    session: AsyncSession,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str = "",
    detail: str = "",
) -> None:
    """Add a row in the caller's transaction. Call it last: it holds the head of the chain until the commit."""
    head = await _locked_head(session)
    row = AuditRow(
        seq=head.seq + 1, at=at, actor=actor, action=action, subject=subject, reason=reason, detail=detail,
        before=head.hash, hash="",
    )  # fmt: skip
    row.hash = _hash(_entry(row))
    session.add(row)
    head.seq, head.hash = row.seq, row.hash
    await session.flush()


async def read(database: Database) -> AsyncIterator[Entry]:
    """All rows, oldest first; `ChainBroken` at the first one that does not fit."""
    before, seq = ROOT, 0
    async with database.read() as session:  # first, so that what is added meanwhile is only more than it says
        head = await session.get(AuditHeadRow, HEAD)
    while True:
        page = select(AuditRow).where(AuditRow.seq > seq).order_by(AuditRow.seq).limit(PAGE)
        async with database.read() as session:
            rows = (await session.scalars(page)).all()
        for row in rows:
            entry = _entry(row)
            if entry.seq != seq + 1 or entry.before != before or entry.hash != _hash(entry):
                raise ChainBroken(seq + 1)
            if head is not None and entry.seq == head.seq and entry.hash != head.hash:
                raise ChainBroken(entry.seq)
            yield entry
            before, seq = entry.hash, entry.seq
        if len(rows) < PAGE:
            break
    if head is not None and head.seq > seq:
        raise ChainBroken(seq + 1)


async def _locked_head(session: AsyncSession) -> AuditHeadRow:
    found = select(AuditHeadRow).where(AuditHeadRow.id == HEAD).with_for_update()
    found = found.execution_options(populate_existing=True)
    head: AuditHeadRow | None = await session.scalar(found)
    if head is not None:
        return head
    try:
        async with session.begin_nested():
            head = AuditHeadRow(id=HEAD, seq=0, hash=ROOT)
            session.add(head)
    except IntegrityError:  # another process wrote the very first row
        return await _locked_head(session)
    return head


def _entry(row: AuditRow) -> Entry:
    fields = {name: getattr(row, name) for name in Entry.__dataclass_fields__ if name != "at"}
    return Entry(at=row.at.astimezone(UTC).isoformat(), **fields)


def _hash(entry: Entry) -> str:
    fields = {name: value for name, value in asdict(entry).items() if name != "hash"}
    return sha256(json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
