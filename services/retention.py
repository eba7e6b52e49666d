"""Erases what has outlived its purpose (`reliability` 5.4): one sweep an hour, by one process at a time."""

from datetime import timedelta

from services.identity import Identity
from services.ports import Clock
from services.store.conversations import forget_answers, forget_events
from services.store.session import Database
from services.store.watches import forget_watches
from services.vault import Vault

EVERY = timedelta(hours=1)
ANSWERS_LIVE = timedelta(hours=24)
"""No platform repeats a message after that."""
EVENTS_LIVE = timedelta(days=90)
WATCHES_LIVE = timedelta(days=90)


class Retention:
    def __init__(self, *, database: Database, clock: Clock, vault: Vault, identity: Identity) -> None:
        self._database, self._clock = database, clock
        self._vault, self._identity = vault, identity

    async def sweep(self) -> None:
        """Erase logins that nobody finished, tokens of ended conversations, old answers, events and wishes."""
        now = self._clock.now()
        await self._identity.purge()
        await self._vault.purge()
        async with self._database.begin() as session:
            await forget_answers(session, before=now - ANSWERS_LIVE)
            await forget_events(session, before=now - EVENTS_LIVE)
            await forget_watches(session, before=now - WATCHES_LIVE)
