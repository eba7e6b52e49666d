"""Findings: a row for each difference, once; its state moves with a line of history, and nothing is deleted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from hashlib import sha256

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.domain.errors import Refused
from services.domain.ids import CROCKFORD
from services.ports import Clock
from services.reconciliation.facts import Difference, Kind
from services.store.reconciliation import ACCEPTED, NUMBER, OPEN, FindingMoveRow, FindingRow
from services.store.session import Database

log = structlog.get_logger("reconciliation")

SERVICE = "service"
AGREED = "agreed_"
"""Before the reason, in the note of a finding that one of two people has agreed to."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A difference as it stands. `note` says in a word what is known of it."""

    finding_id: str
    day: date
    source: str
    kind: Kind
    number: str
    order_no: str | None
    expected: Decimal | None
    found: Decimal | None
    note: str
    state: str
    found_at: datetime

    @property
    def open(self) -> bool:
        return self.state == OPEN


def id_of(difference: Difference) -> str:
    """The same for the same difference, and short enough to be read out: `F` and 12 characters."""
    named = f"{difference.day.isoformat()}|{difference.source}|{difference.kind}|{difference.number}"
    digest = sha256(named.encode()).digest()
    return "F" + "".join(CROCKFORD[byte % 32] for byte in digest[:12])


class Findings:
    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def record(self, difference: Difference) -> tuple[Finding, bool]:
        """The finding of a difference, and whether it is new."""
        finding_id, now = id_of(difference), self._clock.now()
        async with self._database.begin() as session:
            row = await session.get(FindingRow, finding_id, with_for_update=True)
            if row is not None:
                return self._shown(row), False
            row = FindingRow(
                finding_id=finding_id, day=difference.day, source=difference.source,
                kind=difference.kind.value, number=difference.number[:NUMBER],
                order_no=difference.order_no, expected=difference.expected, found=difference.found,
                note=difference.note, state=OPEN, moves=0, found_at=now, changed_at=now,
            )  # fmt: skip
            session.add(row)
            await session.flush()
            _write_history(session, row, SERVICE)
        return self._shown(row), True

    async def move(
        self, finding: Finding, state: str, note: str, *, by: str = SERVICE, tells: bool = True
    ) -> Finding:
        """To another state or another note; nothing when it stands like that already."""
        async with self._database.begin() as session:
            row = await session.get_one(FindingRow, finding.finding_id, with_for_update=True)
            if (row.state, row.note) == (state, note) or row.state == ACCEPTED:
                return self._shown(row)
            row.state, row.note, row.changed_at = state, note[:40], self._clock.now()
            _write_history(session, row, by)
        moved = self._shown(row)
        if tells:
            tell(moved)
        return moved

    async def agree(self, finding_id: str, *, by: str, reason: str) -> Finding:
        """One person's word that nothing is left to do; with the word of another for the same reason it is
        accepted. Each is audited. `Refused("unknown_finding")`, `Refused("agreed_already")`."""
        note = f"{AGREED}{reason}"
        async with self._database.begin() as session:
            row = await session.get(FindingRow, finding_id, with_for_update=True)
            if row is None or row.state != OPEN:
                raise Refused("unknown_finding")
            agreed = select(FindingMoveRow.decided_by).where(
                FindingMoveRow.finding_id == finding_id, FindingMoveRow.note == note
            )
            before = set(await session.scalars(agreed))
            if by in before:
                raise Refused("agreed_already")
            row.changed_at = self._clock.now()
            row.state, row.note = (ACCEPTED, reason) if before else (OPEN, note)
            people = " & ".join(sorted({by, *before}))
            _write_history(session, row, people if before else by)
            await audit.record(
                session, at=row.changed_at, actor=by, action=f"finding_{'accepted' if before else 'agreed'}",
                subject=finding_id, reason=reason,
            )  # fmt: skip
        finding = self._shown(row)
        tell(finding)
        return finding

    async def find(self, finding_id: str) -> Finding | None:
        async with self._database.read() as session:
            row = await session.get(FindingRow, finding_id)
        return self._shown(row) if row else None

    async def of(self, day: date, ids: Collection[str] = ()) -> list[Finding]:
        """All of a day, and others that are named."""
        wanted = FindingRow.day == day
        if ids:
            wanted = wanted | FindingRow.finding_id.in_(list(ids))
        return await self._found(select(FindingRow).where(wanted))

    async def open(self, kind: Kind | None = None) -> list[Finding]:
        """What needs a person, oldest first."""
        wanted = select(FindingRow).where(FindingRow.state == OPEN)
        return await self._found(wanted if kind is None else wanted.where(FindingRow.kind == kind.value))

    async def count_open(self) -> dict[str, int]:
        counted = (
            select(FindingRow.kind, func.count()).where(FindingRow.state == OPEN).group_by(FindingRow.kind)
        )
        async with self._database.read() as session:
            found = {row[0]: row[1] for row in (await session.execute(counted)).all()}
        return {kind.value: found.get(kind.value, 0) for kind in Kind}

    async def history(self, finding_id: str) -> Sequence[tuple[str, str, str]]:
        """State, note and who decided it, from the first to the last."""
        wanted = (
            select(FindingMoveRow).where(FindingMoveRow.finding_id == finding_id).order_by(FindingMoveRow.seq)
        )
        async with self._database.read() as session:
            return [(row.state, row.note, row.decided_by) for row in await session.scalars(wanted)]

    async def _found(self, statement: object) -> list[Finding]:
        ordered = statement.order_by(FindingRow.day, FindingRow.found_at, FindingRow.finding_id)  # type: ignore[attr-defined]
        async with self._database.read() as session:
            return [self._shown(row) for row in await session.scalars(ordered)]

    def _shown(self, row: FindingRow) -> Finding:
        zone: tzinfo | None = self._clock.now().tzinfo
        return Finding(
            finding_id=row.finding_id,
            day=row.day,
            source=row.source,
            kind=Kind(row.kind),
            number=row.number,
            order_no=row.order_no,
            expected=row.expected,
            found=row.found,
            note=row.note,
            state=row.state,
            found_at=row.found_at.astimezone(zone),
        )


def _write_history(session: AsyncSession, row: FindingRow, by: str) -> None:
    row.moves += 1
    session.add(
        FindingMoveRow(
            finding_id=row.finding_id,
            seq=row.moves,
            state=row.state,
            note=row.note,
            decided_by=by,
            at=row.changed_at,
        )
    )


def tell(finding: Finding) -> None:
    """For the operator: an error while somebody has to look at it."""
    write = log.error if finding.open else log.info
    write(
        "finding", finding_id=finding.finding_id, day=finding.day.isoformat(), source=finding.source,
        kind=finding.kind.value, number=finding.number, state=finding.state, note=finding.note,
    )  # fmt: skip
