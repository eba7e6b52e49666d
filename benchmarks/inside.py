"""One bot turn in process, turn 200 against turn 5, and the ladder: where the time of a turn goes.

Runs in a process of its own against a running sandbox, so that the peers' work is not counted.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

ROUNDS = 40


async def measure(work: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> float:
    """Milliseconds of CPU of this process per call, the best of three."""
    best = float("inf")
    for _ in range(3):
        gc.collect()
        began = time.process_time()
        for number in range(rounds):
            await work(number)
        best = min(best, (time.process_time() - began) / rounds * 1000)
    return best


def held_out_sentences() -> list[str]:
    """What the tests of the language parse: short and long, plain and garbled."""
    from bot.cli import ROOT

    groups = yaml.safe_load((ROOT / "tests" / "nlu" / "sentences.yml").read_text(encoding="utf-8"))
    return [text for rows in groups.values() for text, _intent, _values in rows]


async def main(data_dir: str, port: int) -> dict[str, float]:
    from actions.run_flow import RunFlow
    from bot.channels.base import UserMessage
    from bot.cli import ROOT
    from bot.engine.agent import Engine
    from bot.engine.training import ensure_model
    from bot.redaction import Redactor
    from bot.sandbox.settings import complete
    from bot.turns import Turns
    from services.bootstrap import bootstrap
    from services.settings import Settings
    from services.store import schema

    settings = complete(Settings(data_dir=Path(data_dir), port=port))
    services = bootstrap(settings.model_copy(update={"database_url": f"sqlite:///{data_dir}/inside.db"}))
    await asyncio.to_thread(schema.upgrade, f"sqlite+aiosqlite:///{data_dir}/inside.db")
    await services.open()
    engine = await Engine.load(
        ensure_model(ROOT, settings.models_dir), database=services.database, actions=[RunFlow(services)]
    )
    redactor = Redactor(services.vault)
    turns = Turns(
        engine=engine,
        database=services.database,
        redactor=redactor,
        vault=services.vault,
        clock=services.clock,
    )
    count = iter(range(10_000_000))

    async def say(sender: str, text: str) -> object:
        return await turns(UserMessage(channel="rest", sender=sender, text=text))

    async def turn_at(length: int) -> float:
        best = float("inf")
        for _ in range(3):
            sender = f"long-{next(count)}"
            for _ in range(length - 1):
                await say(sender, "谢谢")
            best = min(best, await measure(lambda _n, s=sender: say(s, "谢谢"), 1))
        return best

    sentences = held_out_sentences()
    for number in range(30):
        await say(f"warm-{number}", "你好")
    found = {
        "redact": await measure(lambda _n: redactor.redact("rest:ladder", "帮我交明年的居民医保")),
        "parse": await measure(lambda n: engine.parse(sentences[n]), len(sentences)),
        "turn": await measure(lambda n: say(f"turn-{n % 8}", "帮我交明年的居民医保" if n % 2 else "谢谢")),
        "payload": await measure(lambda n: say(f"turn-{n % 8}", "/thank")),
        "turn_5": await turn_at(5),
        "turn_200": await turn_at(200),
    }
    await turns.close()
    await services.close()
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2])))))
