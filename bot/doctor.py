"""`shebao doctor`: what stands, what does not, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2 as httpx

from bot.engine.training import fingerprint
from bot.serving import key_problems
from services.adapters.wechat.messenger import WeChatMessenger
from services.bootstrap import Services, bootstrap
from services.crypto import CannotDecrypt
from services.domain.errors import ServiceError
from services.domain.workdays import missing_arrangement
from services.settings import Settings
from services.store import schema

ROOT = Path(__file__).parents[1]
PEER_SECONDS = 5.0
CLOCK_SECONDS = 60
"""Alipay and WeChat refuse what is signed at another time."""
Print = Callable[[str], None]
Finding = tuple[str, str | None]
WARNINGS = frozenset({"calendar"})
"""What can wait a little: it is told, and nothing is wrong yet."""


def examine(settings: Settings, tell: Print) -> bool:
    """Print a line per check; True when nothing is to be mended at once."""
    sound = True
    for name, problem in _findings(settings):
        mark = "WARN" if name in WARNINGS else "MEND"
        tell(f"ok    {name}" if problem is None else f"{mark}  {name}: {problem}")
        sound = sound and (problem is None or name in WARNINGS)
    return sound


def _findings(settings: Settings) -> Iterator[Finding]:
    problems = settings.problems() or key_problems(settings)
    yield from (("settings", problem) for problem in problems)
    if not problems:
        yield ("settings", None)
    store = _store(settings)
    yield ("store", store)
    yield ("model", _model(settings))
    if problems:
        return  # without them there is nobody to ask
    yield from asyncio.run(_ask(bootstrap(settings), store_stands=store is None))


def _store(settings: Settings) -> str | None:
    try:
        current = schema.is_current(settings.database)
    except Exception as error:  # whatever the driver says, the operator wants it in one line
        return f"can't be reached ({type(error).__name__}): check SHEBAO_DATABASE_URL"
    return None if current else "not there or of another version: run `shebao db upgrade`"


def _model(settings: Settings) -> str | None:
    model = settings.models_dir / f"{fingerprint(ROOT)}.tar.gz"
    return None if model.exists() else "missing or outdated: run `shebao train`"


async def _ask(services: Services, *, store_stands: bool) -> list[Finding]:
    """What only a running part can tell: the keys of the store, the peers, and the time."""
    settings, peers = services.settings, services.peers
    try:
        found = [("keys", await _keys(services))] if store_stands else []
        found += [
            ("clock", await _clock(settings)),
            ("calendar", _calendar(services.clock.now().date())),
            ("payment gateway", await _answers(peers.ping_gateway, settings, "SHEBAO_ALIPAY_GATEWAY_URL")),
            ("tax bureau", await _answers(peers.ping_bureau, settings, "SHEBAO_BUREAU_URL")),
        ]
        if settings.wechatpay_mch_id:
            found.append(
                ("wechat pay", await _answers(peers.ping_wechatpay, settings, "SHEBAO_WECHATPAY_URL"))
            )
        if settings.wechat_app_id:
            found.append(("wechat", await _wechat(services)))
        return found
    finally:
        await services.close()


async def _keys(services: Services) -> str | None:
    try:
        await services.open()
    except CannotDecrypt:
        return "the store was made with another root key: check SHEBAO_ROOT_KEY_FILE"
    return None


async def _clock(settings: Settings) -> str | None:
    """The machine's time against the gateway's; the sandbox's may stand anywhere."""
    if settings.sandbox:
        return None
    try:
        async with httpx.AsyncClient(timeout=PEER_SECONDS) as http:
            theirs = parsedate_to_datetime((await http.head(settings.alipay_gateway_url)).headers["date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None  # that it does not answer is told below
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    return f"{apart:.0f} s away from the gateway's: set the machine's time" if apart > CLOCK_SECONDS else None


def _calendar(today: date) -> str | None:
    year = missing_arrangement(today)
    if year is None:
        return None
    return (
        f"the holidays of {year} are only those by law: when the State Council's arrangement is out, "
        "write it into the file of SHEBAO_CALENDAR_FILE (docs/calendar.md); no restart is needed"
    )


async def _wechat(services: Services) -> str | None:
    settings, secret = services.settings, services.settings.wechat_secret
    messenger = WeChatMessenger(
        api_url=settings.wechat_api_url,
        app_id=settings.wechat_app_id,
        secret=secret.get_secret_value() if secret else "",
        clock=services.clock,
    )
    try:
        return await _answers(messenger.ping, settings, "SHEBAO_WECHAT_API_URL and SHEBAO_WECHAT_SECRET")
    finally:
        await messenger.close()


async def _answers(ping: Callable[[], Awaitable[None]], settings: Settings, named: str) -> str | None:
    try:
        async with asyncio.timeout(PEER_SECONDS):
            await ping()
    except (ServiceError, TimeoutError):
        hint = (
            "start `shebao serve`, which plays it" if settings.sandbox else f"check {named} and the network"
        )
        return f"does not answer: {hint}"
    return None
