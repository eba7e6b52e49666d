"""What an operator has done beside the service: key rotation, and the worker as a process of its own."""

import asyncio
import signal

from bot import worker
from bot.logs import configure as configure_logs
from bot.serving import check, prepare_store
from services.bootstrap import bootstrap
from services.settings import Settings


def rotate_keys(settings: Settings) -> str:
    """Rotate, also while the service runs; what was done, in one line."""
    check(settings, "cannot rotate keys")
    prepare_store(settings)
    return asyncio.run(_rotate(settings))


async def _rotate(settings: Settings) -> str:
    services = bootstrap(settings)
    try:
        await services.open()
        done = await services.vault.rotate()
    finally:
        await services.close()
    return (
        f"master key {done.master_version}: {done.rewrapped} keys wrapped anew, "
        f"{done.resealed} values sealed anew, {done.deleted} old keys deleted, {done.retired_left} still needed"
    )


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C."""
    check(settings, "cannot work")
    prepare_store(settings)
    configure_logs(settings.log_level)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    services = bootstrap(settings)
    await services.open()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await worker.run(services.durable, stop)
    finally:
        await services.close()
