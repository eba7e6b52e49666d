"""Logs: one JSON object a line on stderr, from us and from the libraries, without personal data.

Our events are names with short values; whatever else gets in is taken out here: numbers of people, words in
Chinese (nothing that we log has any), query strings, download tickets, and the messages of exceptions. Each
find is counted, so that it can raise an alarm, and fail a test.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from prometheus_client import Counter
from structlog.typing import EventDict, WrappedLogger

from bot.personal_numbers import Reading, find_numbers

LONGEST_VALUE = 300
FRAMES_KEPT = 12
FOREIGN_LEVEL = logging.WARNING
QUIET = (
    "sanic",
    "httpx2",
    "httpcore2",
    "sqlalchemy",
    "aiosqlite",
    "alembic",
    "engineio",
    "socketio",
    "asyncio",
)
"""These may warn, but never tell what passes through them, whatever level is asked for."""
SILENT = ("rasa", "rasa_sdk")
"""Rasa logs what residents say, at ERROR too; what goes wrong in it is raised, and logged by us."""

HITS = Counter("shebao_log_redactions", "Personal data that was kept out of the log", ["kind"])

_QUERY = re.compile(r"\?[^\s\"'<>]*=[^\s\"'<>]*")
_TICKET = re.compile(r"(/documents/|/verify/)[^\s/?\"'<>]+")
_NOT_OURS = re.compile(r"[^\x00-\x7f]+")
_KEPT = frozenset({"timestamp", "level", "logger"})

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str = "INFO", *, stream: Any = None) -> None:
    """Set up logging for this process; may be called again. `stream` is stderr unless given."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[_only_named, *shared, outline_exception, scrub, _render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Factory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                outline_exception,
                scrub,
                _render,
            ],
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(number, FOREIGN_LEVEL))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, FOREIGN_LEVEL))
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take personal data out of every value of an event."""
    for key, value in event.items():
        if key not in _KEPT:
            event[key] = clean(value)
    return event


def clean(value: Any) -> Any:
    """`value` as it may stand in a log: plain figures, short ASCII strings, and lists and objects of them."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if len(str(abs(value))) < 11 else _clean_text(str(value))
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, MutableMapping):
        return {_clean_text(str(key)): clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(part) for part in value]
    return f"<{type(value).__name__}>"


def outline_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception as its types and places: its message may quote what somebody said."""
    info = _exc_info(event.pop("exc_info", None))
    event.pop("stack_info", None)
    if info is not None:
        event["exception"] = _outline(info[1])
    return event


def _clean_text(text: str) -> str:
    text = _TICKET.sub(r"\1...", _QUERY.sub("?...", text))
    found = find_numbers(Reading(text))
    if found:
        HITS.labels("number").inc(len(found))
        for one in reversed(found):
            text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    if not text.isascii():
        HITS.labels("text").inc()
        text = _NOT_OURS.sub("[text]", text)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _exc_info(given: Any) -> ExcInfo | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple) and given[0] is not None:
        return given
    current = sys.exc_info()
    return current if given and current[0] is not None else None


def _outline(error: BaseException) -> list[dict[str, Any]]:
    """The chain of causes, outermost first."""
    chain: list[dict[str, Any]] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < FRAMES_KEPT:
        frames = traceback.extract_tb(cause.__traceback__)[-FRAMES_KEPT:]
        chain.append(
            {
                "type": type(cause).__name__,
                "frames": [f"{_module(f.filename)}:{f.lineno} {f.name}" for f in frames],
            }
        )
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def _module(path: str) -> str:
    """The last two parts of a file's path: where it is installed is nobody's business."""
    return "/".join(path.rsplit("/", 2)[-2:])


def _only_named(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Our loggers have names. Nameless ones are the engine's, which log what residents say."""
    name = getattr(logger, "name", None)
    if name is None:
        raise structlog.DropEvent
    event["logger"] = name
    return event


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return json.dumps(event, default=lambda odd: f"<{type(odd).__name__}>")


class _Printer(structlog.PrintLogger):
    name: str | None = None


class _Factory:
    """Loggers that write to the stream and know what they are called."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __call__(self, *arguments: Any) -> _Printer:
        printer = _Printer(self._stream or sys.stderr)
        printer.name = str(arguments[0]) if arguments else None
        return printer
