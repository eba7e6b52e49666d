"""Stand-ins at the edges of `Turns` for these tests: a redactor and a vault that show what they did."""

from bot.engine.agent import Engine
from bot.turns import Turns
from services.store.session import Database
from tests.conftest import FixedClock


class Redactor:
    """Seals 王小芳 wherever it stands, and everything while something is asked for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []

    async def redact(
        self, conversation_id: str, text: str, *, capture: str | None = None, names: bool = True
    ) -> str:
        self.seen.append((text, capture))
        if capture:
            return f"⟦{capture}:ABCDEFGHJKMN⟧"
        return text.replace("王小芳", "⟦person_name:ABCDEFGHJKMN⟧")


class Vault:
    """Turns the bytes around, so that plain text can't be found in the table."""

    async def encrypt(self, purpose: str, row_id: str, value: bytes) -> bytes:
        return f"{purpose}|{row_id}|".encode() + value[::-1]

    async def decrypt(self, purpose: str, row_id: str, value: bytes) -> bytes:
        head = f"{purpose}|{row_id}|".encode()
        assert value.startswith(head)
        return value.removeprefix(head)[::-1]


def make_turns(
    engine: Engine,
    database: Database,
    clock: FixedClock,
    *,
    redactor: Redactor | None = None,
    longest: int = 20,
) -> Turns:
    return Turns(
        engine=engine,
        database=database,
        redactor=redactor or Redactor(),
        vault=Vault(),
        clock=clock,
        longest_line=longest,
    )
