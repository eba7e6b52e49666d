"""The vault: tokens, sealed columns, blind indexes, erasure and rotation."""

import asyncio
import copy
import json
import pickle
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from services.crypto import Algorithm, CannotDecrypt, Secret, key_id_of, read_root_key
from services.domain.errors import Refused
from services.domain.ids import new_id
from services.keys import GRACE
from services.store.people import ConsentRow, PersonRow
from services.store.session import Database
from services.store.vault import DataKeyRow, FragmentRow, MasterKeyRow, TokenRow
from services.vault import TOKEN, Vault
from tests.conftest import FixedClock
from tests.identity.conftest import CHAT, NAME, NUMBER, ROOT_KEY
from tests.identity.crash import VALUES, die, opened
from tests.killed import killed_at

OTHER_CHAT = "rest:somebody-else"


# --- tokens -------------------------------------------------------------------------------------------


async def test_a_token_stands_for_its_value_in_its_conversation_only(vault: Vault) -> None:
    token = await vault.seal(CHAT, "id_number", NUMBER)
    match = TOKEN.fullmatch(token)
    assert match
    assert match[1] == "id_number"
    assert await vault.open(CHAT, token) == NUMBER
    assert await vault.seal(CHAT, "id_number", NUMBER) == token
    assert await vault.seal(OTHER_CHAT, "id_number", NUMBER) != token
    for chat, bad in (
        (OTHER_CHAT, token),
        (CHAT, token.replace("id_number", "phone")),
        (CHAT, "⟦id_number:000000000000⟧"),
        (CHAT, NUMBER),
        (CHAT, token + " "),
    ):
        with pytest.raises(Refused, match="unknown_token"):
            await vault.open(chat, bad)


async def test_the_same_value_sealed_at_once_is_one_token(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    other = Vault(database, clock, root_key=ROOT_KEY)
    await other.prepare()
    tokens = await asyncio.gather(*(v.seal(CHAT, "phone", "13900000001") for v in [vault, other] * 4))
    assert len(set(tokens)) == 1


async def test_a_record_that_was_moved_does_not_open(vault: Vault, database: Database) -> None:
    mine = await vault.seal(CHAT, "id_number", NUMBER)
    foreign = await vault.seal(OTHER_CHAT, "id_number", "520000198506151008")
    async with database.begin() as session:
        value = await session.scalar(select(TokenRow.value).where(TokenRow.conversation_id == OTHER_CHAT))
        await session.execute(update(TokenRow).where(TokenRow.conversation_id == CHAT).values(value=value))
    with pytest.raises(Refused, match="unknown_token"):
        await vault.open(CHAT, mine)
    assert await vault.open(OTHER_CHAT, foreign)


async def test_tokens_and_fragments_are_destroyed_a_day_after_their_last_use(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    token = await vault.seal(CHAT, "id_number", NUMBER)
    await vault.save_fragments(CHAT, ["520000", "1990"])
    used = await vault.seal(OTHER_CHAT, "phone", "13900000001")
    clock.advance(hours=23)
    await vault.open(OTHER_CHAT, used)
    clock.advance(hours=2)
    assert await vault.purge() == 1
    assert await vault.open(OTHER_CHAT, used) == "13900000001"
    with pytest.raises(Refused, match="unknown_token"):
        await vault.open(CHAT, token)
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(FragmentRow)) == 0
    assert await vault.seal(CHAT, "id_number", NUMBER) != token


async def test_fragments_are_kept_for_ten_minutes(vault: Vault, clock: FixedClock) -> None:
    await vault.save_fragments(CHAT, ["520000", "1990"])
    assert await vault.load_fragments(CHAT) == ["520000", "1990"]
    assert await vault.load_fragments(OTHER_CHAT) == []
    clock.advance(minutes=11)
    assert await vault.load_fragments(CHAT) == []
    await vault.save_fragments(CHAT, [])
    assert await vault.load_fragments(CHAT) == []


# --- sealed columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_sealed_value_opens_in_its_place_only(
    database: Database, clock: FixedClock, algorithm: Algorithm
) -> None:
    vault = Vault(database, clock, root_key=ROOT_KEY, algorithm=algorithm)
    await vault.prepare()
    record = await vault.encrypt("person.name", "P1", NAME.encode(), subject="P1")
    assert record[1] == algorithm
    assert NAME.encode() not in record
    assert await vault.encrypt("person.name", "P1", NAME.encode(), subject="P1") != record
    assert await vault.decrypt("person.name", "P1", record) == NAME.encode()
    for purpose, row in (("person.name", "P2"), ("person.id_number", "P1")):
        with pytest.raises(CannotDecrypt):
            await vault.decrypt(purpose, row, record)
    for place in (0, 1, 5, 30, 45, len(record) - 1):
        damaged = record[:place] + bytes([record[place] ^ 1]) + record[place + 1 :]
        with pytest.raises(CannotDecrypt):
            await vault.decrypt("person.name", "P1", damaged)
    for cut in (0, 2, 28, 40, len(record) - 1):
        with pytest.raises(CannotDecrypt):
            await vault.decrypt("person.name", "P1", record[:cut])


async def test_destroying_a_persons_key_erases_their_values_and_nobody_elses(vault: Vault) -> None:
    mine = await vault.encrypt("person.name", "P1", b"one", subject="P1")
    others = await vault.encrypt("person.name", "P2", b"two", subject="P2")
    await vault.destroy_person("P1")
    with pytest.raises(CannotDecrypt):
        await vault.decrypt("person.name", "P1", mine)
    assert await vault.decrypt("person.name", "P2", others) == b"two"


async def test_the_blind_index_knows_equal_values_of_one_label(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    again = Vault(database, clock, root_key=ROOT_KEY)
    await again.prepare()
    assert vault.blind_index("a", NUMBER) == again.blind_index("a", NUMBER)
    assert vault.blind_index("a", NUMBER) != vault.blind_index("b", NUMBER)
    assert len(vault.blind_index("a", NUMBER)) == 64


async def test_another_root_key_opens_nothing(vault: Vault, database: Database, clock: FixedClock) -> None:
    stranger = Vault(database, clock, root_key=bytes(32))
    with pytest.raises(CannotDecrypt):
        await stranger.prepare()


# --- rotation -----------------------------------------------------------------------------------------


async def _persons(database: Database, vault: Vault, clock: FixedClock, count: int) -> list[str]:
    ids = [new_id("P") for _ in range(count)]
    rows = [
        PersonRow(
            person_id=person_id,
            id_type="RESIDENT_ID_CARD",
            id_number=await vault.encrypt("person.id_number", person_id, NUMBER.encode(), subject=person_id),
            name=await vault.encrypt("person.name", person_id, NAME.encode(), subject=person_id),
            created_at=clock.now(),
        )
        for person_id in ids
    ]
    async with database.begin() as session:
        session.add_all(rows)
    return ids


async def _consents(database: Database, vault: Vault, clock: FixedClock, count: int) -> None:
    """Values under the one key of all fields, more than a batch of them."""
    rows = [
        ConsentRow(
            consent_id=(consent_id := new_id("C")),
            conversation_id=CHAT,
            purpose="test",
            words_version="1",
            status="asked",
            state=await vault.encrypt("consent.state", consent_id, consent_id.encode()),
            created_at=clock.now(),
            expires_at=clock.now(),
        )
        for _ in range(count)
    ]
    async with database.begin() as session:
        session.add_all(rows)


async def _assert_readable(database: Database, vault: Vault) -> set[str]:
    """Every sealed column opens; the keys in use."""
    async with database.read() as session:
        rows = (await session.scalars(select(PersonRow))).all()
        consents = (await session.scalars(select(ConsentRow))).all()
    assert rows
    for row in rows:
        assert await vault.decrypt("person.name", row.person_id, row.name) == NAME.encode()
        assert await vault.decrypt("person.id_number", row.person_id, row.id_number) == NUMBER.encode()
    for consent in consents:
        assert consent.state
        state = await vault.decrypt("consent.state", consent.consent_id, consent.state)
        assert state == consent.consent_id.encode()
    return {key_id_of(row.name) for row in rows} | {key_id_of(c.state) for c in consents if c.state}


async def test_rotation_seals_everything_anew_and_leaves_everything_readable(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    await _persons(database, vault, clock, 5)
    token = await vault.seal(CHAT, "id_number", NUMBER)
    index = vault.blind_index("a", NUMBER)
    before = await _assert_readable(database, vault)
    done = await vault.rotate()
    assert (done.master_version, done.resealed) == (2, 10)
    assert not before & await _assert_readable(database, vault)
    assert await vault.open(CHAT, token) == NUMBER
    assert vault.blind_index("a", NUMBER) == index
    clock.advance(seconds=GRACE.total_seconds() + 1)
    again = await vault.continue_rotation()
    assert again.deleted
    assert again.retired_left == 0
    async with database.read() as session:
        assert (await session.scalars(select(MasterKeyRow.version))).all() == [2]
        assert not before & set(await session.scalars(select(DataKeyRow.key_id)))
    fresh = Vault(database, clock, root_key=ROOT_KEY)
    await fresh.prepare()
    assert fresh.blind_index("a", NUMBER) == index
    assert await fresh.open(CHAT, token) == NUMBER
    await _assert_readable(database, fresh)


async def test_a_process_that_has_not_heard_of_the_rotation_goes_on(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    ids = await _persons(database, vault, clock, 3)
    busy = Vault(database, clock, root_key=ROOT_KEY)
    await busy.prepare()
    await _assert_readable(database, busy)
    await vault.rotate()
    await _assert_readable(database, busy)
    late = await busy.encrypt("person.name", ids[0], NAME.encode(), subject=ids[0])
    assert await vault.decrypt("person.name", ids[0], late) == NAME.encode()


async def test_values_written_while_the_keys_are_rotated_stay_readable(
    vault: Vault, database: Database, clock: FixedClock
) -> None:
    await _persons(database, vault, clock, 10)

    async def keep_writing() -> None:
        for _ in range(10):
            await _persons(database, vault, clock, 1)

    await asyncio.gather(vault.rotate(), keep_writing())
    await vault.rotate()
    await _assert_readable(database, vault)


@pytest.mark.parametrize(
    "point",
    [
        killed_at("keys.rotate.after_master"),
        killed_at("keys.rewrap.after_batch"),
        killed_at("keys.reseal.after_batch"),
    ],
)
async def test_a_rotation_that_was_killed_goes_on(point: str, tmp_path: Path) -> None:
    _, _, vault, database = await opened(tmp_path)
    clock = FixedClock()
    try:
        await _persons(database, vault, clock, 3)
        await _consents(database, vault, clock, VALUES)
        before = await _assert_readable(database, vault)
        die("rotate", tmp_path, point)
        survivor = Vault(database, clock, root_key=ROOT_KEY)
        await survivor.prepare()
        await _assert_readable(database, survivor)
        done = await survivor.rotate()
        assert not before & await _assert_readable(database, survivor)
        async with database.read() as session:
            versions = set(await session.scalars(select(DataKeyRow.master_version)))
        assert versions == {done.master_version or 2}
    finally:
        await database.close()


# --- secrets and files --------------------------------------------------------------------------------


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(NUMBER)
    assert secret.reveal() == NUMBER
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>30}"):
        assert NUMBER not in shown
    for travel in (pickle.dumps, copy.copy, json.dumps, hash):
        with pytest.raises(TypeError):
            travel(secret)
    assert secret == Secret(NUMBER)
    assert secret != NUMBER


@pytest.mark.parametrize(
    "content", [ROOT_KEY, ROOT_KEY.hex().encode(), ROOT_KEY.hex().upper().encode() + b"\n"]
)
def test_the_root_key_is_read_raw_or_as_hex(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "root.key"
    file.write_bytes(content)
    assert read_root_key(file) == ROOT_KEY


@pytest.mark.parametrize("content", [b"", b"short", ROOT_KEY[:-1], ROOT_KEY.hex().encode()[:-2], b"zz" * 32])
def test_a_file_that_holds_no_root_key_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "root.key"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="key"):
        read_root_key(file)
