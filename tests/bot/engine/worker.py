"""A service process of its own for tests: messages as JSON lines in, arrivals and answers as JSON lines out."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bot.channels.base import UserMessage
from bot.engine.agent import Engine
from services.store.session import Database
from tests.bot.engine.acting import ACTIONS
from tests.bot.engine.turning import make_turns
from tests.conftest import FixedClock


async def main(url: str, model: str) -> None:
    database = Database(url)
    engine = await Engine.load(Path(model), database=database, actions=ACTIONS)
    turns = make_turns(engine, database, FixedClock())
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _tell(ready=True)

    async def answer(number: int, message: UserMessage) -> None:
        try:
            _tell(number=number, answers=await turns(message))
        except Exception as error:
            _tell(number=number, error=type(error).__name__)

    running = set()
    async for line in reader:
        asked = json.loads(line)
        number = asked.pop("number")
        running.add(asyncio.create_task(answer(number, UserMessage(channel="rest", **asked))))
        await asyncio.sleep(0)
        _tell(arrived=number)
    await asyncio.gather(*running)
    await turns.close()
    await database.close()


def _tell(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
