"""Does the durable work that is due, in every process that serves: payments go on whoever has died."""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.durable import Durable

log = structlog.get_logger("worker")

LOOK_SECONDS = 0.3
"""A jump of the clock makes work due without anybody saying so; it must begin within a second."""
MOST = 16


async def run(worker: Durable, stop: asyncio.Event) -> None:
    """Until `stop`; then what is running is finished."""
    running: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        try:
            for lease in await worker.claim_due(MOST - len(running)) if len(running) < MOST else ():
                task = asyncio.create_task(worker.run_quietly(lease))
                running.add(task)
                task.add_done_callback(running.discard)
        except (SQLAlchemyError, OSError) as error:
            log.error("worker_store_failed", error=type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
    await asyncio.gather(*running)
