"""Order of arrival across the processes of a PostgreSQL deployment: tickets, and a lock that says who lives.

A message takes a ticket when it arrives and has its turn when no lower ticket of its conversation is left.
Tickets of one conversation are given one after the other (an advisory lock around number and commit), so a
lower one is always visible to a higher one. Waiting costs no
connection. Every process holds one advisory lock, on the one connection that it takes its tickets on: when
somebody else can have that lock, its owner is dead, and its tickets are void.
"""

import asyncio
import secrets
import time
from types import TracebackType

import asyncpg
from sqlalchemy.engine import make_url

ORDER, ALIVE = 0x5B01, 0x5B02
"""First halves of our advisory locks: one per conversation, one per process."""

FIRST_LOOK, LAST_LOOK = 0.002, 0.05
LIVENESS_EVERY = 0.5

TAKE = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($1, hashtext($3)))
INSERT INTO arrival (conversation_id, process) SELECT $3, $2 FROM turn RETURNING ticket
"""
FIRST = "SELECT ticket, process FROM arrival WHERE conversation_id = $1 ORDER BY ticket LIMIT 1"
VOID = "DELETE FROM arrival WHERE process = $1"


class TicketLost(Exception):
    """Our connection was lost, and another process has taken us for dead."""


class Arrivals:
    """The tickets of this process. An error of the database leaves every method as it is raised."""

    def __init__(self, url: str) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._one_at_a_time = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._process = 0

    async def take(self, conversation_id: str) -> int:
        """A ticket. Calls are answered in the order in which they were made."""
        async with self._one_at_a_time:
            connection = await self._connected()
            ticket: int = await connection.fetchval(TAKE, ORDER, self._process, conversation_id)
            return ticket

    async def reach(self, conversation_id: str, ticket: int) -> None:
        """Return when `ticket` is the first of its conversation. `TicketLost` if it was made void."""
        pause, looked = FIRST_LOOK, time.monotonic()
        while True:
            async with self._one_at_a_time:
                first = await (await self._connected()).fetchrow(FIRST, conversation_id)
                if first is None or first["ticket"] > ticket:
                    raise TicketLost
                if first["ticket"] == ticket:
                    return
                if time.monotonic() - looked > LIVENESS_EVERY:
                    await self._void_if_dead(first["process"])
                    looked = time.monotonic()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LAST_LOOK)

    async def give_back(self, ticket: int) -> None:
        """Let the next one in: the turn has ended, well or not."""
        async with self._one_at_a_time:
            await (await self._connected()).execute("DELETE FROM arrival WHERE ticket = $1", ticket)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def __aenter__(self) -> "Arrivals":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            # Tickets need no disk: after a crash of the server nobody waits any more.
            connection = await asyncpg.connect(
                self._dsn, timeout=5, command_timeout=10, server_settings={"synchronous_commit": "off"}
            )
            self._process = secrets.randbelow(2**31 - 1) + 1
            await connection.execute("SELECT pg_advisory_lock($1, $2)", ALIVE, self._process)
            self._connection = connection
        return self._connection

    async def _void_if_dead(self, process: int) -> None:
        connection = await self._connected()
        if process == self._process:
            return
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", ALIVE, process):
            await connection.execute(VOID, process)
            await connection.execute("SELECT pg_advisory_unlock($1, $2)", ALIVE, process)
