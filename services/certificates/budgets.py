"""Budgets against guessing verification codes; they are kept in the store and count before they look.

Five wrong tries in a row lock a number for 15 minutes, whether it exists or not (`certificates` 10). Twenty
from one address within a day lock the address for as long.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from services.domain.errors import Unavailable
from services.ports import Clock
from services.store.certificates import VerificationBudgetRow, forget_budgets
from services.store.session import Database

LOCK = timedelta(minutes=15)
KEPT = timedelta(days=1)
ROUNDS = 5


@dataclass(frozen=True)
class Budget:
    """`tries` without success within `window` lock; no window: however long they take."""

    scope: str
    tries: int
    window: timedelta | None


NUMBER = Budget("number", 5, None)
ADDRESS = Budget("address", 20, timedelta(days=1))


class Budgets:
    def __init__(self, *, database: Database, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._clock = clock
        self._secret = secret

    async def charge(self, *, number: str, address: str) -> bool:
        """Count a try before it is looked at. False: locked, so don't look."""
        return await self._charge(ADDRESS, address) and await self._charge(NUMBER, number)

    async def give_back(self, *, number: str, address: str) -> None:
        """The try was right: the number begins anew, the address gets this one try back."""
        async with self._database.begin() as session:
            for budget, subject in ((ADDRESS, address), (NUMBER, number)):
                place = self._id(budget, subject)
                row = await session.get(VerificationBudgetRow, place, with_for_update=True)
                if row is not None:
                    row.tries = 0 if budget.window is None else max(row.tries - 1, 0)
                    row.locked_until = None

    async def purge(self) -> None:
        """Erase counters that nobody has touched for a day."""
        async with self._database.begin() as session:
            await forget_budgets(session, before=self._clock.now() - KEPT)

    async def _charge(self, budget: Budget, subject: str) -> bool:
        for _ in range(ROUNDS):
            try:
                return await self._count(budget, self._id(budget, subject))
            except IntegrityError:
                continue  # another process wrote the first try of this subject: now the row is there
        raise Unavailable

    async def _count(self, budget: Budget, budget_id: str) -> bool:
        now = self._clock.now()
        async with self._database.begin() as session:
            row = await session.get(VerificationBudgetRow, budget_id, with_for_update=True)
            if row is None:
                row = VerificationBudgetRow(budget_id=budget_id, tries=0, since=now)
                session.add(row)
            if row.locked_until is not None and row.locked_until > now:
                return False
            over = budget.window is not None and row.since <= now - budget.window
            if row.locked_until is not None or over:
                row.tries, row.since, row.locked_until = 0, now, None
            row.tries += 1
            row.touched_at = now
            if row.tries >= budget.tries:
                row.locked_until = now + LOCK  # this try is still looked at; a right one unlocks
        return True

    def _id(self, budget: Budget, subject: str) -> str:
        message = f"budget:{budget.scope}:{subject}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
