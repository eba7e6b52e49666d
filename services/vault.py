"""Personal data at rest: tokens that stand for it in a conversation, and sealed columns of other tables.

A column that holds sealed values says so (`services.store.base.sealed`), and key rotation finds it by that.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, delete, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from services.crashpoints import crashpoint
from services.crypto import Algorithm, CannotDecrypt, Secret, index_of, key_id_of, read_root_key
from services.domain.errors import Refused
from services.domain.ids import random_code
from services.keys import BATCH, CONVERSATION, FIELD, PERSON, Cache, Keyring, touch
from services.ports import Clock
from services.store.base import Base
from services.store.session import Database
from services.store.vault import DataKeyRow, FragmentRow, TokenRow

KINDS = frozenset({"id_number", "phone", "bank_card", "email", "person_name", "text"})
TOKEN = re.compile(r"⟦([a-z_]+):([0-9A-Z]{12})⟧")
HANDLE_LENGTH = 12
KEPT_AFTER_USE = timedelta(hours=24)
"""Tokens and fragments are destroyed this long after a conversation's end (`reliability` 5.4)."""
FRAGMENTS_LIVE = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation did: keys wrapped anew, values sealed anew, retired keys deleted and still there."""

    master_version: int
    rewrapped: int
    resealed: int
    deleted: int
    retired_left: int


class Vault:
    """Seals and opens personal data. `prepare()` once after construction, before `blind_index` is used."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        root_key: bytes,
        algorithm: Algorithm = Algorithm.AES_256_GCM,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = Keyring(database, clock, root_key=root_key, algorithm=algorithm)
        self._tokens: Cache[tuple[str, str, str], tuple[str, datetime]] = Cache()
        self._touched: Cache[str, datetime] = Cache()

    @classmethod
    def from_file(cls, database: Database, clock: Clock, root_key_file: Path) -> "Vault":
        return cls(database, clock, root_key=read_root_key(root_key_file))

    async def prepare(self) -> None:
        """Make or read the keys. `CannotDecrypt` when the root key does not fit the store."""
        await self._keys.prepare()

    # --- tokens of a conversation ---------------------------------------------------------------------

    async def seal(self, conversation_id: str, kind: str, value: str) -> str:
        """The token that stands for `value` in this conversation, the same for the same value."""
        return (await self.seal_all(conversation_id, [(kind, value)]))[0]

    async def seal_all(self, conversation_id: str, values: Sequence[tuple[str, str]]) -> list[str]:
        """Tokens for several `(kind, value)` at once, in one transaction."""
        await self._keys.prepare()
        wanted = [
            (conversation_id, kind, self.blind_index(f"token:{conversation_id}:{kind}", value))
            for kind, value in values
        ]
        if any(kind not in KINDS for _, kind, _ in wanted):
            raise ValueError("unknown kind of token")
        fresh_since = self._clock.now() - TOUCH_EVERY
        while not all(key in self._tokens and self._tokens[key][1] > fresh_since for key in wanted):
            await self._store_tokens(conversation_id, wanted, [value for _, value in values])
        return [self._tokens[key][0] for key in wanted]

    async def open(self, conversation_id: str, token: str) -> str:
        """What a token of this conversation stands for. `Refused("unknown_token")` for any other."""
        match = TOKEN.fullmatch(token)
        if match is None:
            raise Refused("unknown_token")
        kind, handle = match.groups()
        async with self._database.read() as session:
            row = await session.get(TokenRow, (conversation_id, handle))
        if row is None or row.kind != kind:
            raise Refused("unknown_token")
        try:
            key = await self._keys.by_id(key_id_of(row.value), "token")
            value = key.open(_token_place(conversation_id, kind, handle), row.value).decode()
        except CannotDecrypt:
            raise Refused("unknown_token") from None
        await self._note_use(conversation_id, key.key_id)
        return value

    async def open_secret(self, conversation_id: str, token: str) -> Secret:
        """As `open`, in an object that masks itself."""
        return Secret(await self.open(conversation_id, token))

    async def load_fragments(self, conversation_id: str) -> list[str]:
        """The last pieces of digits of a conversation, oldest first, unless they are too old."""
        async with self._database.read() as session:
            row = await session.get(FragmentRow, conversation_id)
        if row is None or row.updated_at < self._clock.now() - FRAGMENTS_LIVE:
            return []
        try:
            key = await self._keys.by_id(key_id_of(row.value), "fragment")
            pieces: list[str] = json.loads(key.open(f"vault_fragment|{conversation_id}", row.value))
        except CannotDecrypt:
            return []
        return pieces

    async def save_fragments(self, conversation_id: str, pieces: Sequence[str]) -> None:
        """Replace the pieces; none deletes the row."""
        await self._keys.prepare()
        while True:
            key = await self._keys.active(CONVERSATION, conversation_id, "fragment")
            row = FragmentRow(
                conversation_id=conversation_id,
                value=key.seal(f"vault_fragment|{conversation_id}", json.dumps(pieces).encode()),
                updated_at=self._clock.now(),
            )
            async with self._database.begin() as session:
                if not pieces:
                    await session.execute(
                        delete(FragmentRow).where(FragmentRow.conversation_id == conversation_id)
                    )
                    return
                if await touch(session, conversation_id, key.key_id, self._clock):
                    await session.merge(row)
                    return
            self._keys.forget(CONVERSATION, conversation_id)

    async def purge(self) -> int:
        """Destroy keys, tokens and fragments of conversations that ended 24 h ago; how many conversations."""
        ended = (
            DataKeyRow.scope == CONVERSATION,
            DataKeyRow.used_at <= self._clock.now() - KEPT_AFTER_USE,
        )
        async with self._database.read() as session:
            subjects = (await session.scalars(select(DataKeyRow.subject).where(*ended).distinct())).all()
        for start in range(0, len(subjects), BATCH):
            await self._destroy_conversations(subjects[start : start + BATCH])
        return len(subjects)

    async def destroy_conversation(self, conversation_id: str) -> None:
        """Destroy at once what this conversation sealed (an erasure request)."""
        async with self._database.begin() as session:
            await self._keys.destroy(session, CONVERSATION, conversation_id)
            for table in (TokenRow, FragmentRow):
                await session.execute(delete(table).where(table.conversation_id == conversation_id))
        self._forget_conversations({conversation_id})

    # --- sealed columns of other tables ---------------------------------------------------------------

    async def encrypt(self, purpose: str, row_id: str, value: bytes, *, subject: str | None = None) -> bytes:
        """`value` as a record for the column `purpose` ("table.column") of row `row_id`.

        `subject` is a person's id: their own key is used, and destroying it destroys the value. Its first use
        writes a key, so call this outside of a transaction.
        """
        if not self._keys.prepared:
            await self._keys.prepare()
        scope = PERSON if subject else FIELD
        key = await self._keys.active(scope, subject or "", purpose)
        return key.seal(f"{purpose}|{row_id}", value)

    async def decrypt(self, purpose: str, row_id: str, value: bytes) -> bytes:
        """What `encrypt` was given. `CannotDecrypt` for another row or column, or a destroyed key."""
        key = await self._keys.by_id(key_id_of(value), purpose)
        return key.open(f"{purpose}|{row_id}", value)

    def blind_index(self, label: str, value: str) -> str:
        """By which equal values of one label are found: 64 hex digits."""
        return index_of(self._keys.index_key, label, value)

    async def destroy_person(self, person_id: str) -> None:
        """Destroy a person's key: their sealed fields can't be read again, in no backup either."""
        async with self._database.begin() as session:
            await self._keys.destroy(session, PERSON, person_id)

    # --- rotation ---------------------------------------------------------------------------------------

    async def rotate(self) -> Rotation:
        """New master key, new data keys, everything sealed anew. After a kill it goes on where it stopped."""
        await self._keys.prepare()
        version = await self._keys.new_master()
        crashpoint("keys.rotate.after_master")
        return await self.continue_rotation(version)

    async def continue_rotation(self, version: int = 0) -> Rotation:
        """The background part: also deletes keys that were retired earlier and that no record needs now."""
        await self._keys.prepare()
        rewrapped = await self._keys.rewrap()
        retired = await self._keys.retired()
        resealed = 0
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if retired and "purpose" in column.info:
                    resealed += await self._reseal(table, column, retired)
        in_use = frozenset({key async for key in self._key_ids_in_use()}) if retired else frozenset()
        deleted = await self._keys.delete_retired(in_use=in_use)
        return Rotation(
            master_version=version,
            rewrapped=rewrapped,
            resealed=resealed,
            deleted=deleted,
            retired_left=len(await self._keys.retired()),
        )

    # --- private ----------------------------------------------------------------------------------------

    async def _store_tokens(
        self, conversation_id: str, wanted: Sequence[tuple[str, str, str]], values: Sequence[str]
    ) -> None:
        """Bring tokens for `wanted` into memory: those of the store, and new ones for the rest."""
        key = await self._keys.active(CONVERSATION, conversation_id, "token")
        now = self._clock.now()
        indexes = [index for _, _, index in wanted]
        known = select(TokenRow.kind, TokenRow.value_index, TokenRow.handle).where(
            TokenRow.conversation_id == conversation_id, TokenRow.value_index.in_(indexes)
        )
        tokens: dict[tuple[str, str, str], str] = {}
        try:
            async with self._database.begin() as session:
                if not await touch(session, conversation_id, key.key_id, self._clock):
                    self._keys.forget(CONVERSATION, conversation_id)
                    return
                for kind, index, handle in await session.execute(known):
                    tokens[conversation_id, kind, index] = handle
                for place, value in zip(wanted, values, strict=True):
                    if place not in tokens:
                        _, kind, index = place
                        handle = tokens[place] = random_code(HANDLE_LENGTH)
                        session.add(
                            TokenRow(
                                conversation_id=conversation_id,
                                handle=handle,
                                kind=kind,
                                value_index=index,
                                value=key.seal(_token_place(conversation_id, kind, handle), value.encode()),
                                created_at=now,
                            )
                        )
        except IntegrityError:
            return  # another process sealed the same value: its token is read in the next round
        self._touched[conversation_id] = now
        for place in wanted:
            self._tokens[place] = (f"⟦{place[1]}:{tokens[place]}⟧", now)

    async def _note_use(self, conversation_id: str, key_id: str) -> None:
        now = self._clock.now()
        last = self._touched.get(conversation_id)
        if last is not None and abs(now - last) < TOUCH_EVERY:
            return
        async with self._database.begin() as session:
            await touch(session, conversation_id, key_id, self._clock)
        self._touched[conversation_id] = now

    async def _destroy_conversations(self, conversations: Sequence[str]) -> None:
        """Destroys those that are still unused: a resident may have come back in between."""
        ended = DataKeyRow.used_at <= self._clock.now() - KEPT_AFTER_USE
        async with self._database.begin() as session:
            gone = set(
                await session.scalars(
                    delete(DataKeyRow)
                    .where(DataKeyRow.scope == CONVERSATION, DataKeyRow.subject.in_(conversations), ended)
                    .returning(DataKeyRow.subject)
                )
            )
            for table in (TokenRow, FragmentRow):
                await session.execute(delete(table).where(table.conversation_id.in_(gone)))
        self._forget_conversations(gone)

    def _forget_conversations(self, conversations: set[str]) -> None:
        for conversation_id in conversations:
            self._keys.forget(CONVERSATION, conversation_id)
            self._touched.pop(conversation_id, None)
        for place in [place for place in self._tokens if place[0] in conversations]:
            del self._tokens[place]

    async def _reseal(self, table: Table, column: Column[Any], retired: frozenset[str]) -> int:
        """Seal anew what `column` holds under retired keys, a batch at a time, in the order of the rows."""
        purpose, done = column.info["purpose"], 0
        keys = list(table.primary_key.columns)
        row_id = table.c[column.info["row"]]
        subject = table.c[column.info["subject"]] if column.info["subject"] else None
        wanted = [*keys, row_id.label("row_id"), column.label("record")]
        if subject is not None:
            wanted.append(subject.label("subject_id"))
        last: tuple[Any, ...] | None = None
        while True:
            query = select(*wanted).where(column.is_not(None)).order_by(*keys).limit(BATCH)
            if last is not None:
                query = query.where(tuple_(*keys) > last)
            async with self._database.read() as session:
                rows = (await session.execute(query)).all()
            if not rows:
                return done
            last = tuple(rows[-1][: len(keys)])
            anew = []
            for row in rows:
                if _sealed_by(row.record, retired):
                    value = await self.decrypt(purpose, row.row_id, row.record)
                    person = row.subject_id if subject is not None else None
                    fresh = await self.encrypt(purpose, row.row_id, value, subject=person)
                    anew.append((tuple(row[: len(keys)]), row.record, fresh))
            done += await self._replace(table, column, anew)
            crashpoint("keys.reseal.after_batch")

    async def _replace(
        self, table: Table, column: Column[Any], anew: Sequence[tuple[tuple[Any, ...], bytes, bytes]]
    ) -> int:
        """Put `(key, old, fresh)` in place, where nobody has written meanwhile; who did, used the new key."""
        if not anew:
            return 0
        done = 0
        async with self._database.begin() as session:
            for key, old, fresh in anew:
                places = [c == part for c, part in zip(table.primary_key.columns, key, strict=True)]
                statement = update(table).where(*places, column == old).values({column: fresh})
                done += int(getattr(await session.execute(statement), "rowcount", 0))
        return done

    async def _key_ids_in_use(self) -> AsyncIterator[str]:
        """The keys that any binary column of any table names."""
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, LargeBinary):
                    part = func.substr(column, 3, 26, type_=LargeBinary)
                    async with self._database.read() as session:
                        for name in await session.scalars(select(part).where(column.is_not(None)).distinct()):
                            yield bytes(name).decode("ascii", errors="replace")


def _token_place(conversation_id: str, kind: str, handle: str) -> str:
    return f"vault_token.value|{conversation_id}|{kind}|{handle}"


def _sealed_by(record: bytes, keys: frozenset[str]) -> bool:
    try:
        return key_id_of(record) in keys
    except CannotDecrypt:
        return False
