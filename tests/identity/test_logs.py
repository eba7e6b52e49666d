"""What reaches the log, from our own loggers and from the libraries'."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.logs import configure

NUMBER = "520000199003071238"


class Log:
    def __init__(self) -> None:
        self.stream = io.StringIO()
        configure("DEBUG", stream=self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text.splitlines()[-1])
        return found


@pytest.fixture
def log() -> Iterator[Log]:
    levels = {name: logging.getLogger(name).level for name in ("", "sanic", "rasa", "rasa_sdk", "httpx2")}
    handlers = list(logging.getLogger().handlers)
    yield Log()
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_json_object_a_line(log: Log) -> None:
    structlog.get_logger("payment").info(
        "order_placed", order_no="GZ10123456789ABCDEFGHJK", total="400.00", n=2
    )
    assert log.last["event"] == "order_placed"
    assert log.last["logger"] == "payment"
    assert log.last["level"] == "info"
    assert log.last["order_no"] == "GZ10123456789ABCDEFGHJK"
    assert (log.last["total"], log.last["n"]) == ("400.00", 2)


@pytest.mark.parametrize(
    "value",
    [
        NUMBER,
        "5200 0019 9003 0712 38",
        f"id={NUMBER}.",
        int(NUMBER),
        "13800138000",
        {"deep": [f"x {NUMBER}"]},
        {NUMBER: 1},
        "王小芳",
        "who@example.com",
        f"GET /a/b?id_number={NUMBER}",
        "五二零零零零一九九零零三零七一二三八",
    ],
)
def test_personal_values_are_taken_out(log: Log, value: Any) -> None:
    structlog.get_logger("any").warning("something_odd", value=value)
    assert log.last["event"] == "something_odd"
    for secret in (NUMBER, "0712", "王", "13800138000", "who@", "id_number=", "1990", "五二"):
        assert secret not in log.text


def test_objects_are_named_and_not_shown(log: Log) -> None:
    structlog.get_logger("any").info("odd", value=object())
    assert log.last["value"] == "<object>"


def test_an_exception_is_told_without_its_message(log: Log) -> None:
    try:
        try:
            raise ValueError(f"bad number {NUMBER}")
        except ValueError as cause:
            raise RuntimeError("王小芳 failed") from cause
    except RuntimeError:
        structlog.get_logger("any").exception("failed")
        logging.getLogger("some.library").exception("failed too")
    for line in log.text.splitlines():
        chain = json.loads(line)["exception"]
        assert [part["type"] for part in chain] == ["RuntimeError", "ValueError"]
        assert chain[0]["frames"][0].startswith("identity/test_logs.py:")
    assert NUMBER not in log.text
    assert "failed too" in log.text


def test_libraries_are_heard_when_they_warn_and_scrubbed(log: Log) -> None:
    logging.getLogger("httpx2").info("HTTP Request: POST https://x.example/?cert_no=%s", NUMBER)
    logging.getLogger("aiosqlite").debug("INSERT %s", NUMBER)
    assert log.text == ""
    logging.getLogger("sqlalchemy.pool").warning("lost %s at https://x.example/a?code=secret&state=1", NUMBER)
    assert log.last["logger"] == "sqlalchemy.pool"
    assert NUMBER not in log.text
    assert "secret" not in log.text


def test_the_engine_is_silent(log: Log) -> None:
    logging.getLogger("rasa.core.processor").error("message text")
    structlog.get_logger().error("rasa.core.failed", text="message text")
    assert log.text == ""


def test_a_ticket_in_a_path_is_not_logged(log: Log) -> None:
    structlog.get_logger("http").info("served", path="/documents/abcdefgh12345678?preview=1")
    assert log.last["path"] == "/documents/...?..."
