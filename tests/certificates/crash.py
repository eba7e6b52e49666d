"""Issue a paper and die on the way: `python -m tests.certificates.crash FOLDER`."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from services.certificates import Certificates, Document
from services.domain.kinds import IdType
from services.domain.people import Person
from services.records import Records
from services.settings import Settings
from services.store.base import Base
from services.store.session import Database
from services.vault import Vault
from tests.certificates.conftest import CHAT, NAME, NUMBER, PERSON_ID, SECRET, Bureau, record
from tests.conftest import FixedClock, all_tables


async def get_person(_person_id: str) -> Person:
    return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=NUMBER, name=NAME)


async def nothing_pending(_person_id: str, _fee_year: int) -> Sequence[datetime]:
    return ()


async def issue(folder: Path, clock: FixedClock) -> tuple[Document, bytes]:
    """The paper and its bytes, from the store in `folder`."""
    all_tables()
    database = Database(f"sqlite+aiosqlite:///{folder}/crash.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    vault = Vault(database, clock, root_key=bytes(range(32)))
    await vault.prepare()
    certificates = Certificates(
        database=database,
        clock=clock,
        vault=vault,
        records=Records(bureau=Bureau(books=[record()]), get_person=get_person),  # type: ignore[arg-type]
        get_person=get_person,
        pending_payments=nothing_pending,
        settings=Settings(_env_file=None),
        secret=SECRET,
    )
    paper = await certificates.issue_payment_record(person_id=PERSON_ID, conversation_id=CHAT, fee_year=2026)
    assert isinstance(paper, Document)
    file = await certificates.open_file(paper.url.rpartition("/")[2])
    assert file is not None
    await database.close()
    return paper, file.content


if __name__ == "__main__":
    asyncio.run(issue(Path(sys.argv[1]), FixedClock()))
