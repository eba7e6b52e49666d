"""What a process does that is to die at a crash point: `python -m tests.identity.crash login|again|rotate FOLDER`.

The provider's memory is a file, since it goes on living when we die.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from services.domain.people import Person
from services.identity import Identity
from services.ports import ConsentedProfile, Verification, VerificationStatus
from services.settings import Settings
from services.store.base import Base
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock, all_tables
from tests.identity.conftest import CHAT, NAME, NUMBER, ROOT_KEY
from tests.identity.fakes import FakeProvider
from tests.killed import assert_killed

VALUES = 250
"""Values to seal anew: more than a batch."""


class LivingProvider(FakeProvider):
    """Any code that was not used is good."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self.used: list[str] = []
        if file.exists():
            known = json.loads(file.read_text())
            self.used = known["used"]
            self.statuses = {name: VerificationStatus(value) for name, value in known["statuses"].items()}
            self.returns = known["returns"]

    async def exchange(self, code: str) -> ConsentedProfile:
        if code not in self.used:
            self.profiles[code] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
        self.used.append(code)
        self.save()
        return await super().exchange(code)

    async def start_verification(self, person: Person, *, request_no: str, return_url: str) -> Verification:
        certify_id = f"certify-{len(self.statuses)}"
        self.statuses[certify_id] = VerificationStatus.PENDING
        self.returns[certify_id] = return_url
        self.save()
        return Verification(certify_id=certify_id, url=f"https://auth.example/?certify_id={certify_id}")

    def save(self) -> None:
        known = {"used": self.used, "statuses": self.statuses, "returns": self.returns}
        self._file.write_text(json.dumps(known))


async def opened(folder: Path) -> tuple[Identity, LivingProvider, Vault, Database]:
    all_tables()
    database = Database(f"sqlite+aiosqlite:///{folder}/crash.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock = FixedClock()
    vault = Vault(database, clock, root_key=ROOT_KEY)
    await vault.prepare()
    provider = LivingProvider(folder / "provider.json")
    settings = Settings(_env_file=None)
    identity = Identity(database=database, vault=vault, provider=provider, clock=clock, settings=settings)
    return identity, provider, vault, database


async def log_in(identity: Identity, provider: LivingProvider) -> int:
    """What a resident does until they are known, as the bot leads them; the number of pages they opened."""
    for pages in range(8):
        progress = await identity.progress(CHAT)
        if progress.step == "verified":
            return pages
        link = progress.link or await identity.start_consent(CHAT)
        if "authorize" in link.url:
            await identity.on_consent_return(link.state, code=f"code-{len(provider.used)}")
        else:
            back = provider.decide(link.url)
            provider.save()
            await identity.on_verification_return(back.partition("ref=")[2])
    raise AssertionError("the resident gave up")


def die(what: str, folder: Path, point: str) -> None:
    """Run `what` in a process of its own until `point` kills it."""
    died = subprocess.run(
        [sys.executable, "-m", "tests.identity.crash", what, str(folder)],
        env={**os.environ, "SHEBAO_CRASHPOINT": point},
        capture_output=True,
        check=False,
    )
    assert_killed(died.returncode, point, died.stderr.decode())


async def main(what: str, folder: Path) -> None:
    identity, provider, vault, database = await opened(folder)
    if what == "login":
        await log_in(identity, provider)
    elif what == "again":
        await log_in(identity, provider)
        await identity.step_up(CHAT)
    else:
        await vault.rotate()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
