"""The keys of the vault: root key, versioned master keys (KEK), data keys (DEK), and their rotation.

Keys that were read stay in memory, so sealing and opening cost microseconds. A process sees what another
one did to the keys after `FRESH_SECONDS`; a retired key stays readable for `GRACE` at least.
"""

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.crashpoints import crashpoint
from services.crypto import ROOT_KEY_LENGTH, Algorithm, CannotDecrypt, Key, derive, make_key
from services.domain.ids import new_id
from services.ports import Clock
from services.store.session import Database
from services.store.vault import DataKeyRow, MasterKeyRow

FIELD, INDEX, PERSON, CONVERSATION = "field", "index", "person", "conversation"
FRESH_SECONDS = 60.0
GRACE = timedelta(hours=1)
BATCH = 200
CACHED_KEYS = 20_000
_ROOT_ID = "0" * 26
_RETIRED_BY_ROTATION = (FIELD, PERSON)
"""A conversation's key lives for days and is only wrapped anew; a new index key would orphan every index."""

K = TypeVar("K")
V = TypeVar("V")


class Cache(OrderedDict[K, V]):
    """A dictionary that forgets its oldest entry when it is full."""

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > CACHED_KEYS:
            self.popitem(last=False)


@dataclass(frozen=True, repr=False)
class DataKey:
    """An unwrapped data key. It is never used itself: each purpose derives its own key from it."""

    key_id: str
    algorithm: Algorithm
    secret: bytes
    read_at: float

    @property
    def fresh(self) -> bool:
        return time.monotonic() - self.read_at < FRESH_SECONDS


class Keyring:
    """All keys of one process. `prepare()` once before `index_key` is used."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        root_key: bytes,
        algorithm: Algorithm = Algorithm.AES_256_GCM,
    ) -> None:
        if len(root_key) != ROOT_KEY_LENGTH:
            raise ValueError("the root key has 32 bytes")
        self._database = database
        self._clock = clock
        self._algorithm = algorithm
        self._root = make_key(_ROOT_ID, Algorithm.AES_256_GCM, derive(root_key, "root"))
        self._masters: dict[int, Key] = {}
        self._active: Cache[tuple[str, str], DataKey] = Cache()
        self._by_id: Cache[str, DataKey] = Cache()
        self._derived: Cache[tuple[str, str], Key] = Cache()
        self._index_key: bytes | None = None
        self._refreshing = False

    @property
    def index_key(self) -> bytes:
        if self._index_key is None:
            raise RuntimeError("Vault.prepare() has not been called")
        return self._index_key

    @property
    def prepared(self) -> bool:
        return self._index_key is not None

    async def prepare(self) -> None:
        """Make what a new store lacks, and read what every turn needs. Two processes may do it at once.

        `CannotDecrypt` when the root key is not the one that this store was made with.
        """
        if self.prepared:
            return
        async with self._database.read() as session:
            known = await session.scalar(select(func.count()).select_from(MasterKeyRow))
        if not known:
            await self._insert_master(1)
        await self._read_active(FIELD, "")
        self._index_key = derive((await self._read_active(INDEX, "")).secret, "blind index")

    async def active(self, scope: str, subject: str, purpose: str) -> Key:
        """The key that encrypts now; made when the subject has none."""
        known = self._active.get((scope, subject))
        if known is None or not (known.fresh or (scope == FIELD and self._refreshing)):
            self._refreshing = True
            try:
                known = await self._read_active(scope, subject)
            finally:
                self._refreshing = False
        return self._derive(known, purpose)

    async def by_id(self, key_id: str, purpose: str) -> Key:
        """The key that a record names. `CannotDecrypt` when it was destroyed or never existed."""
        known = self._by_id.get(key_id)
        if known is None or not known.fresh:
            async with self._database.read() as session:
                row = await session.get(DataKeyRow, key_id)
                known = await self._unwrap(session, row) if row else None
            if known is None:
                self._by_id.pop(key_id, None)
                raise CannotDecrypt
            self._by_id[key_id] = known
        return self._derive(known, purpose)

    async def destroy(self, session: AsyncSession, scope: str, subject: str) -> None:
        """Destroy all keys of a subject: nothing that they sealed can be read again, in no backup either."""
        gone = await session.scalars(
            delete(DataKeyRow)
            .where(DataKeyRow.scope == scope, DataKeyRow.subject == subject)
            .returning(DataKeyRow.key_id)
        )
        for key_id in gone:
            self._by_id.pop(key_id, None)
        self.forget(scope, subject)

    def forget(self, scope: str, subject: str) -> None:
        """Drop a subject's keys from memory: they were destroyed here or by another process."""
        known = self._active.pop((scope, subject), None)
        if known is not None:
            self._by_id.pop(known.key_id, None)

    # --- rotation -----------------------------------------------------------------------------------

    async def new_master(self) -> int:
        """A new master key, unless an earlier rotation has keys left to wrap: then that one goes on."""
        async with self._database.read() as session:
            latest = await self._latest_master(session)
            unfinished = await session.scalar(select(func.count()).where(DataKeyRow.master_version < latest))
        if unfinished:
            return latest
        await self._insert_master(latest + 1)
        return latest + 1

    async def rewrap(self) -> int:
        """Wrap all data keys by the latest master key, and retire those that shall encrypt no more."""
        done = 0
        while batch := await self._rewrap_batch():
            done += batch
            crashpoint("keys.rewrap.after_batch")
        if done:
            self._active.clear()
            await self._drop_unused_masters()
        return done

    async def retired(self) -> frozenset[str]:
        async with self._database.read() as session:
            rows = await session.scalars(select(DataKeyRow.key_id).where(DataKeyRow.retired_at.is_not(None)))
            return frozenset(rows)

    async def delete_retired(self, *, in_use: frozenset[str]) -> int:
        """Delete retired keys that no record needs and that every process has stopped using."""
        async with self._database.begin() as session:
            rows = await session.scalars(
                select(DataKeyRow).where(
                    DataKeyRow.retired_at <= self._clock.now() - GRACE, DataKeyRow.key_id.not_in(in_use)
                )
            )
            gone = list(rows)
            for row in gone:
                await session.delete(row)
                self._by_id.pop(row.key_id, None)
        return len(gone)

    # --- private ------------------------------------------------------------------------------------

    def _derive(self, key: DataKey, purpose: str) -> Key:
        derived = self._derived.get((key.key_id, purpose))
        if derived is None:
            derived = make_key(key.key_id, key.algorithm, derive(key.secret, purpose))
            self._derived[key.key_id, purpose] = derived
        return derived

    async def _read_active(self, scope: str, subject: str) -> DataKey:
        wanted = (
            select(DataKeyRow)
            .where(DataKeyRow.scope == scope, DataKeyRow.subject == subject, DataKeyRow.retired_at.is_(None))
            .order_by(DataKeyRow.generation.desc())
            .limit(1)
        )
        while True:
            async with self._database.read() as session:
                row = await session.scalar(wanted)
                if row is not None:
                    key = self._by_id[row.key_id] = await self._unwrap(session, row)
                    self._active[scope, subject] = key
                    return key
            await self._insert_data_key(scope, subject)

    async def _insert_data_key(self, scope: str, subject: str) -> None:
        """Make the next generation; another process may be faster, which is as good."""
        key_id = new_id()
        secret = os.urandom(32)
        now = self._clock.now()
        try:
            async with self._database.begin() as session:
                version = await self._latest_master(session)
                master = await self._master(session, version)
                newest = await session.scalar(
                    select(func.max(DataKeyRow.generation)).where(
                        DataKeyRow.scope == scope, DataKeyRow.subject == subject
                    )
                )
                session.add(
                    DataKeyRow(
                        key_id=key_id,
                        scope=scope,
                        subject=subject,
                        generation=(newest or 0) + 1,
                        algorithm=int(self._algorithm),
                        master_version=version,
                        wrapped=master.seal(_place(key_id, scope, subject), secret),
                        created_at=now,
                        used_at=now if scope == CONVERSATION else None,
                    )
                )
        except IntegrityError:
            return

    async def _insert_master(self, version: int) -> None:
        wrapped = self._root.seal(f"master|{version}", os.urandom(32))
        try:
            async with self._database.begin() as session:
                session.add(MasterKeyRow(version=version, wrapped=wrapped, created_at=self._clock.now()))
        except IntegrityError:
            return

    async def _latest_master(self, session: AsyncSession) -> int:
        latest: int | None = await session.scalar(select(func.max(MasterKeyRow.version)))
        if latest is None:
            raise RuntimeError("Vault.prepare() has not been called")
        return latest

    async def _master(self, session: AsyncSession, version: int) -> Key:
        if version not in self._masters:
            row = await session.get(MasterKeyRow, version)
            if row is None:
                raise CannotDecrypt
            secret = self._root.open(f"master|{version}", row.wrapped)
            self._masters[version] = make_key(f"{version:026d}", Algorithm.AES_256_GCM, secret)
        return self._masters[version]

    async def _unwrap(self, session: AsyncSession, row: DataKeyRow) -> DataKey:
        master = await self._master(session, row.master_version)
        secret = master.open(_place(row.key_id, row.scope, row.subject), row.wrapped)
        return DataKey(row.key_id, Algorithm(row.algorithm), secret, time.monotonic())

    async def _rewrap_batch(self) -> int:
        async with self._database.begin() as session:
            latest = await self._latest_master(session)
            master = await self._master(session, latest)
            rows = (
                await session.scalars(
                    select(DataKeyRow)
                    .where(DataKeyRow.master_version < latest)
                    .limit(BATCH)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            for row in rows:
                key = await self._unwrap(session, row)
                row.wrapped = master.seal(_place(row.key_id, row.scope, row.subject), key.secret)
                row.master_version = latest
                if row.scope in _RETIRED_BY_ROTATION and row.retired_at is None:
                    row.retired_at = self._clock.now()
            return len(rows)

    async def _drop_unused_masters(self) -> None:
        """The foreign key keeps a master key that somebody has just used for a new data key."""
        used = select(DataKeyRow.master_version)
        try:
            async with self._database.begin() as session:
                latest = await self._latest_master(session)
                await session.execute(
                    delete(MasterKeyRow).where(
                        MasterKeyRow.version < latest, MasterKeyRow.version.not_in(used)
                    )
                )
        except IntegrityError:
            return


async def touch(session: AsyncSession, conversation_id: str, key_id: str, clock: Clock) -> bool:
    """Note that a conversation's key is in use, and hold it until commit; False when it was destroyed."""
    touched = await session.scalar(
        update(DataKeyRow)
        .where(DataKeyRow.key_id == key_id, DataKeyRow.subject == conversation_id)
        .values(used_at=clock.now())
        .returning(DataKeyRow.key_id)
    )
    return touched is not None


def _place(key_id: str, scope: str, subject: str) -> str:
    return f"key|{key_id}|{scope}|{subject}"
