"""What an operator has done beside the service: key rotation, jobs that are stuck, and the worker as
a process of its own."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot import worker
from bot.logs import configure as configure_logs
from bot.serving import check, prepare_store
from services.bootstrap import Services, bootstrap
from services.joblist import StuckJob
from services.settings import Settings

T = TypeVar("T")


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


def list_jobs(settings: Settings) -> list[str]:
    """A line for each job that is dead or fails."""

    async def find(services: Services) -> list[str]:
        return [_told(job) for job in await services.jobs.find()]

    return _ask(settings, "cannot list jobs", find)


def replay_jobs(settings: Settings, job_id: str | None) -> int:
    """Have it tried again, or all; how many."""
    return _ask(settings, "cannot replay jobs", lambda services: services.jobs.replay(job_id))


def _told(job: StuckJob) -> str:
    since = job.since.isoformat(timespec="seconds")
    return f"{job.job_id}  {job.state:7}  {job.kind:10}  {job.subject}  {job.code or '-'}  {since}  {job.tries} tries"


def _ask(settings: Settings, cannot: str, question: Callable[[Services], Awaitable[T]]) -> T:
    check(settings, cannot)
    prepare_store(settings)

    async def ask() -> T:
        services = bootstrap(settings)
        try:
            return await question(services)
        finally:
            await services.close()

    return asyncio.run(ask())


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
