"""Issue a paper and die on the way: `python -m tests.certificates.crash FOLDER KEYS`."""

import asyncio
import sys
from pathlib import Path

from bot.sandbox.keys import ensure_keys
from services.certificates import Document
from services.certificates.signing import Signer
from services.store.base import Base
from services.store.session import Database
from tests.certificates.conftest import open_office
from tests.conftest import FixedClock, all_tables


async def issue(folder: Path, clock: FixedClock, keys: Path) -> tuple[Document, bytes]:
    """The paper and its bytes, from the store in `folder`."""
    all_tables()
    database = Database(f"sqlite+aiosqlite:///{folder}/crash.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    made = ensure_keys(keys)
    signer = Signer(key_file=made.signing_key_file, cert_file=made.signing_cert_file)
    office = await open_office(database, clock, signer)
    paper = await office.issue()
    assert isinstance(paper, Document)
    file = await office.certificates.open_file(paper.url.rpartition("/")[2])
    assert file is not None
    await database.close()
    return paper, file.content


if __name__ == "__main__":
    asyncio.run(issue(Path(sys.argv[1]), FixedClock(), Path(sys.argv[2])))
