"""The evidence of a case, as it stood when the refund was asked for: frozen, hashed, without personal data.

What was shown before the payment and when, who confirmed it (masked), every move of the order, what the gateway
said, and what the bureau gave: enough to settle whether the wrong person was paid for.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.money import wire
from services.payment.desk import read_lines
from services.store.orders import DraftLineRow, DraftRow, EvidenceRow, MoveRow, OrderLineRow, OrderRow


async def assemble(
    session: AsyncSession, order: OrderRow, *, names: Mapping[str, str], at: datetime
) -> tuple[str, str]:
    """The snapshot as JSON, and its SHA-256. `names` are masked names by pseudonym."""
    facts = {
        "made_at": _moment(at),
        "order": _order(order),
        "confirmations": await _confirmations(session, order, names),
        "moves": await _moves(session, order.order_no),
        "gateway": await _gateway(session, order.order_no),
        "bureau": [_bureau(line) for line in await read_lines(session, order.order_no)],
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    return text, hash_of(text)


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _order(order: OrderRow) -> dict[str, Any]:
    return {
        "order_no": order.order_no,
        "provider": order.provider,
        "trade_no": order.trade_no,
        "state": order.state.value,
        "total": wire(order.total),
        "captured": wire(order.captured) if order.captured is not None else None,
        "created_at": _moment(order.created_at),
        "paid_at": _moment(order.paid_at),
        "booked_at": _moment(order.booked_at),
    }


async def _confirmations(
    session: AsyncSession, order: OrderRow, names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What was shown and then confirmed; several when several devices confirmed the same."""
    found = select(DraftRow).where(DraftRow.order_no == order.order_no).order_by(DraftRow.created_at)
    shown = []
    for draft in (await session.scalars(found)).all():
        lines = select(DraftLineRow).where(DraftLineRow.draft_id == draft.draft_id)
        rows = (await session.scalars(lines.order_by(DraftLineRow.line))).all()
        shown.append(
            {
                "draft_id": draft.draft_id,
                "shown_at": _moment(draft.created_at),
                "valid_until": _moment(draft.valid_until),
                "channel": draft.conversation_id.partition(":")[0],
                "confirmed_by": names.get(draft.payer_id),
                "payer": draft.payer_id,
                "lines": [_shown(row, names) for row in rows],
            }
        )
    return shown


def _shown(row: DraftLineRow, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "line": row.line,
        "insured": row.insured_id,
        "insured_name": names.get(row.insured_id),
        "quote": json.loads(row.quote),
        "digest": row.digest,
    }


async def _moves(session: AsyncSession, order_no: str) -> list[dict[str, Any]]:
    rows = await session.scalars(select(MoveRow).where(MoveRow.order_no == order_no).order_by(MoveRow.seq))
    return [
        {"old": row.old.value, "new": row.new.value, "reason": row.reason, "at": _moment(row.at)}
        for row in rows
    ]


async def _gateway(session: AsyncSession, order_no: str) -> list[dict[str, Any]]:
    found = select(EvidenceRow).where(EvidenceRow.order_no == order_no)
    rows: Sequence[EvidenceRow] = (await session.scalars(found.order_by(EvidenceRow.received_at))).all()
    return [
        {
            "evidence_id": row.evidence_id,
            "source": row.source,
            "status": row.status,
            "verdict": row.verdict,
            "total": wire(row.total) if row.total is not None else None,
            "received_at": _moment(row.received_at),
        }
        for row in rows
    ]


def _bureau(line: OrderLineRow) -> dict[str, Any]:
    return {
        "line": line.line,
        "key": line.key,
        "declaration_no": line.declaration_no,
        "payment_no": line.payment_no,
        "posted_at": _moment(line.posted_at),
        "booked_on": line.booked_on.isoformat() if line.booked_on else None,
        "digest": line.digest,
    }


def _moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
