"""Members of staff: the local list behind `shebao agents`, for the sandbox and a first deployment."""

import asyncio
import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import select

from services.audit import SHELL, record
from services.domain.errors import Refused
from services.domain.ids import random_code
from services.domain.staff import RIGHTS, Right, Role
from services.ports import Clock
from services.store.session import Database
from services.store.staff import AgentRow

NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
SECRET_LENGTH = 24
N, R, P = 2**14, 8, 1


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Somebody of the staff who has proved it."""

    name: str
    role: Role

    def need(self, right: Right) -> None:
        """`Refused("not_allowed")` without the right."""
        if right not in RIGHTS[self.role]:
            raise Refused("not_allowed", role=self.role.value)


@dataclass(frozen=True, kw_only=True)
class Listed:
    name: str
    role: Role
    added_at: datetime
    disabled_at: datetime | None


class Staff:
    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, name: str, role: Role, *, by: str = SHELL) -> str:
        """Add somebody, or let somebody who was disabled in again; the new secret, which is not kept.

        `Refused`: `bad_agent_name`, `agent_exists`.
        """
        if not NAME.fullmatch(name):
            raise Refused("bad_agent_name")
        secret = random_code(SECRET_LENGTH)
        hashed, now = await asyncio.to_thread(_hash, secret), self._clock.now()
        async with self._database.begin() as session:
            row = await session.get(AgentRow, name, with_for_update=True)
            if row is not None and row.disabled_at is None:
                raise Refused("agent_exists")
            row = row or AgentRow(name=name)
            row.role, row.secret, row.added_at, row.disabled_at = role.value, hashed, now, None
            session.add(row)
            await record(session, at=now, actor=by, action="agent_added", subject=name, detail=role.value)
        return secret

    async def disable(self, name: str, *, by: str = SHELL) -> None:
        """`Refused("unknown_agent")`."""
        now = self._clock.now()
        async with self._database.begin() as session:
            row = await session.get(AgentRow, name, with_for_update=True)
            if row is None or row.disabled_at is not None:
                raise Refused("unknown_agent")
            row.disabled_at = now
            await record(session, at=now, actor=by, action="agent_disabled", subject=name, detail=row.role)

    async def list_all(self) -> Sequence[Listed]:
        async with self._database.read() as session:
            rows = (await session.scalars(select(AgentRow).order_by(AgentRow.name))).all()
        return [
            Listed(name=r.name, role=Role(r.role), added_at=r.added_at, disabled_at=r.disabled_at)
            for r in rows
        ]

    async def log_in(self, name: str, secret: str) -> Agent:
        """`Refused("agent_not_known")` for a wrong name, a wrong secret, or somebody who was disabled."""
        async with self._database.read() as session:
            row = await session.get(AgentRow, name)
        known = row is not None and row.disabled_at is None
        right = await asyncio.to_thread(_fits, secret, row.secret if row else _nobody())
        if row is None or not known or not right:
            raise Refused("agent_not_known")
        return Agent(name=row.name, role=Role(row.role))


def _hash(secret: str, salt: bytes | None = None) -> str:
    salt = salt or secrets.token_bytes(16)
    key = hashlib.scrypt(secret.encode(), salt=salt, n=N, r=R, p=P)
    return f"scrypt${N}${R}${P}${b64encode(salt).decode()}${b64encode(key).decode()}"


def _fits(secret: str, kept: str) -> bool:
    _, n, r, p, salt, key = kept.split("$")
    made = hashlib.scrypt(secret.encode(), salt=b64decode(salt), n=int(n), r=int(r), p=int(p))
    return hmac.compare_digest(made, b64decode(key))


@cache
def _nobody() -> str:
    """So that an unknown name takes as long as a known one."""
    return _hash("nobody")
