"""The socket as programs see it: stock Rasa clients, and a page that reconnects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from bot.channels.web import sentences
from tests.bot.web.conftest import Site, serving
from tests.conftest import FixedClock


class Client:
    """A socket.io client that keeps what it was sent."""

    def __init__(self) -> None:
        self.io = socketio.AsyncClient(reconnection=False)
        self.events: list[tuple[str, Any]] = []
        for name in (
            "bot_uttered",
            "session_confirm",
            "resume",
            "user_echoed",
            "message_state",
            "typing",
            "session_ended",
        ):
            self.io.on(name, self._keeper(name))

    def _keeper(self, name: str) -> Any:
        async def keep(data: Any = None) -> None:
            self.events.append((name, data))

        return keep

    def got(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]

    async def wait_for(self, name: str, count: int = 1) -> list[Any]:
        for _ in range(300):
            if len(self.got(name)) >= count:
                return self.got(name)
            await asyncio.sleep(0.01)
        raise AssertionError(f"{count} x {name} expected, got {self.events}")

    async def say(self, text: Any, **more: Any) -> Any:
        return await self.io.call("user_uttered", {"message": text, **more}, timeout=30)


@asynccontextmanager
async def stock(site: Site, transports: list[str] | None = None, **options: Any) -> AsyncIterator[Client]:
    client = Client()
    await client.io.connect(site.base, transports=transports or ["websocket"], **options)
    try:
        yield client
    finally:
        await client.io.eio.disconnect(abort=True)  # a polling client would wait for its last poll


async def hold(site: Site, cookie: str | None = None) -> tuple[str, str]:
    """(cookie, ticket) as the page gets them."""
    headers = {"origin": site.base, **({"cookie": cookie} if cookie else {})}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{site.base}/web/session", headers=headers)
    return answer.headers["set-cookie"].split(";")[0], answer.json()["ticket"]


@asynccontextmanager
async def page(site: Site, cookie: str, ticket: str, **request: Any) -> AsyncIterator[Client]:
    async with stock(
        site, headers={"Origin": site.base, "Cookie": cookie}, auth={"ticket": ticket}
    ) as client:
        await client.io.emit("session_request", request)
        await client.wait_for("resume")
        yield client


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_stock_rasa_client_gets_a_session_and_answers(site: Site, transport: str) -> None:
    async with stock(site, [transport]) as client:
        await client.io.emit("session_request", {"session_id": None})
        [session_id] = await client.wait_for("session_confirm")
        assert isinstance(session_id, str)
        await client.io.emit("user_uttered", {"message": "三句", "session_id": session_id})
        answers = await client.wait_for("bot_uttered", 3)
        assert [answer["text"] for answer in answers] == ["第一句", "第二句", "第三句"]


async def test_the_same_session_id_is_the_same_conversation_and_no_id_is_the_socket_itself(
    site: Site,
) -> None:
    async with stock(site) as one, stock(site) as two:
        await one.say("你好", session_id="s-1")
        await two.say("你好", session_id="s-1")
        await two.say("你好")
        await two.say("你好")
    senders = [message.sender for message in site.script.heard]
    assert senders[0] == senders[1] != senders[2] == senders[3]
    assert all(message.channel == "web" for message in site.script.heard)
    assert "s-1" not in senders[0]


async def test_in_production_a_socket_without_the_pages_session_is_refused(clock: FixedClock) -> None:
    async with serving(clock, env="production") as site:
        with pytest.raises(NotConnected):
            async with stock(site):
                pass
        cookie, ticket = await hold(site)
        async with page(site, cookie, ticket) as client:
            assert await client.say("你好") == {"state": "done"}


@pytest.mark.parametrize("spoil", ["origin", "no_origin", "ticket", "cookie"])
async def test_a_page_needs_its_cookie_its_ticket_and_its_origin(site: Site, spoil: str) -> None:
    cookie, ticket = await hold(site)
    headers = {"Origin": site.base, "Cookie": cookie}
    if spoil == "origin":
        headers["Origin"] = "https://evil.example"
    if spoil == "no_origin":
        del headers["Origin"]
    if spoil == "cookie":
        headers["Cookie"] = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
    with pytest.raises(NotConnected):
        async with stock(site, headers=headers, auth={"ticket": "x" if spoil == "ticket" else ticket}):
            pass


async def test_a_message_sent_again_takes_effect_once_also_while_the_first_is_in_work(site: Site) -> None:
    site.script.gate = asyncio.Event()
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        first = asyncio.create_task(client.say("你好", message_id="m-0000001"))
        second = asyncio.create_task(client.say("你好", message_id="m-0000001"))
        await asyncio.sleep(0.1)
        site.script.gate.set()
        assert await first == await second == {"state": "done"}
        assert await client.say("你好", message_id="m-0000001") == {"state": "done"}
        await asyncio.sleep(0.05)
        assert len(client.got("bot_uttered")) == 1
    assert len(site.script.heard) == 1
    assert site.script.heard[0].message_id == "m-0000001"


async def test_messages_are_taken_in_the_order_of_arrival_and_numbered_without_gaps(site: Site) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        for number in range(15):
            await client.io.emit(
                "user_uttered", {"message": f"第{number}条 三句", "message_id": f"m-{number:07}"}
            )
        answers = await client.wait_for("bot_uttered", 45)
        assert [message.text for message in site.script.heard] == [f"第{n}条 三句" for n in range(15)]
        numbers = sorted(
            data["seq"] for name, data in client.events if name in {"bot_uttered", "user_echoed"}
        )
        assert numbers == list(range(1, 61))
        assert [a["seq"] for a in answers] == sorted(a["seq"] for a in answers)


async def test_a_page_that_reconnects_gets_what_it_missed_and_nothing_twice(site: Site) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        await client.say("一")
        epoch, cursor = client.got("resume")[0]["epoch"], client.got("bot_uttered")[-1]["seq"]
        async with page(site, cookie, ticket) as other_tab:
            await other_tab.say("二")
    async with page(site, cookie, ticket, epoch=epoch, cursor=cursor) as client:
        [resume] = client.got("resume")
        assert [entry["data"]["text"] for entry in resume["entries"]] == ["二", "听到了：二"]
    async with page(site, cookie, ticket, epoch="another process", cursor=cursor) as client:
        assert len(client.got("resume")[0]["entries"]) == 4


async def test_drops_at_random_moments_lose_and_double_nothing(site: Site) -> None:
    cookie, ticket = await hold(site)
    shown: list[str] = []
    epoch, cursor = "", 0
    for number in range(12):
        async with page(site, cookie, ticket, epoch=epoch, cursor=cursor) as client:
            message = {"message": f"{number}", "message_id": f"m-{number:07}"}
            await client.io.emit("user_uttered", message)
            await asyncio.sleep(0.003 * (number % 4))
            await client.io.eio.ws.close()
            for name, data in client.events:
                epoch = data["epoch"] if name == "resume" else epoch
                for event, entry in numbered(name, data):
                    if event == "bot_uttered" and entry["seq"] > cursor:
                        shown.append(entry["text"])
                    cursor = max(cursor, entry["seq"])
    async with page(site, cookie, ticket, epoch=epoch, cursor=cursor) as client:
        for number in range(12):
            await client.say(f"{number}", message_id=f"m-{number:07}")
        for entry in client.got("resume")[0]["entries"]:
            if entry["event"] == "bot_uttered":
                shown.append(entry["data"]["text"])
        shown += [data["text"] for data in client.got("bot_uttered")]
    assert sorted(shown, key=lambda text: int(text[4:])) == [f"听到了：{number}" for number in range(12)]


def numbered(name: str, data: Any) -> list[tuple[str, dict[str, Any]]]:
    """The numbered things in one event, as a page reads them."""
    if name == "resume":
        return [(entry["event"], entry["data"]) for entry in data["entries"]]
    return [(name, data)] if name in {"bot_uttered", "user_echoed"} else []


async def test_a_failing_turn_is_told_and_can_be_sent_again_under_the_same_id(site: Site) -> None:
    cookie, ticket = await hold(site)
    site.script.fail_next()
    async with page(site, cookie, ticket) as client:
        assert await client.say("你好", message_id="m-0000001") == {"state": "failed"}
        [card] = client.got("bot_uttered")
        assert card["custom"] == {"kind": "error", "code": "unavailable", "retryable": True}
        assert card["resend"] == "m-0000001"
        assert await client.say("", message_id="m-0000001") == {"state": "done"}, (
            "a reloaded page has only the id"
        )
        assert client.got("bot_uttered")[-1]["text"] == "听到了：你好"
    async with page(site, cookie, ticket) as client:
        texts = [entry["data"]["text"] for entry in client.got("resume")[0]["entries"]]
        assert texts == ["你好", "听到了：你好"], "the failure is history"


async def test_a_refused_turn_offers_no_resending(site: Site) -> None:
    site.script.fail_next(retryable=False)
    async with stock(site) as client:
        await client.say("你好")
        assert client.got("bot_uttered")[0]["custom"] == {
            "kind": "error",
            "code": "refused",
            "retryable": False,
        }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", sentences.EMPTY),
        (" \n　", sentences.EMPTY),
        ("a\x00b", sentences.UNREADABLE),
        ("\ud83d", sentences.UNREADABLE),
        ("长" * 1001, sentences.TOO_LONG),
        ("长" * 50_000, sentences.TOO_LONG),
    ],
)
async def test_what_cannot_be_taken_gets_a_sentence_and_reaches_nobody(
    site: Site, text: str, sentence: str
) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        await client.say(text)
        assert [answer["text"] for answer in client.got("bot_uttered")] == [sentence]
    assert site.script.heard == []


async def test_nonsense_from_a_client_is_refused_and_the_socket_lives_on(site: Site) -> None:
    async with stock(site) as client:
        for data in (None, 7, "x", [], {"message": {"a": 1}}):
            assert await client.io.call("user_uttered", data, timeout=30) == {"state": "refused"}
        assert await client.say("你好", session_id={"a": 1}, metadata=[1]) == {"state": "done"}


async def test_too_many_messages_get_a_sentence(clock: FixedClock) -> None:
    async with serving(clock, rate=(3, timedelta(seconds=10))) as site, stock(site) as client:
        for number in range(5):
            await client.say(f"{number}", session_id="s")
        assert [a["text"] for a in client.got("bot_uttered")][-2:] == [sentences.TOO_FAST] * 2
        clock.advance(seconds=11)
        await client.say("好了", session_id="s")
        assert client.got("bot_uttered")[-1]["text"] == "听到了：好了"
    assert len(site.script.heard) == 4


async def test_typing_is_shown_while_a_turn_runs(site: Site) -> None:
    async with stock(site) as client:
        await client.say("你好")
        assert [data["on"] for data in client.got("typing")] == [True, False]


async def test_a_push_reaches_open_pages_and_says_when_there_is_none(site: Site) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        await client.say("你好")
        sender = site.script.heard[0].sender
        assert await site.channel.push(sender, [{"text": "税务已经入账"}, {"text": "可以开凭证了"}])
        answers = await client.wait_for("bot_uttered", 3)
        assert [answer["text"] for answer in answers[1:]] == ["税务已经入账", "可以开凭证了"]
        assert "reply_to" not in answers[1]
    await asyncio.sleep(0.05)
    assert not await site.channel.push(sender, [{"text": "没人在"}])
    assert not await site.channel.push("nobody", [{"text": "没人在"}])


async def test_an_idle_session_ends_at_the_next_word_and_its_transcript_is_gone(site: Site) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        await client.say("你好")
        site.clock.advance(minutes=16)
        await client.io.emit("user_uttered", {"message": "还在吗"})
        await client.wait_for("session_ended")
    assert len(site.script.heard) == 1
    with pytest.raises(NotConnected):
        async with page(site, cookie, ticket):
            pass


async def test_a_risen_level_asks_the_page_for_a_new_cookie(site: Site) -> None:
    cookie, ticket = await hold(site)
    async with page(site, cookie, ticket) as client:
        await client.say("你好")
        await site.channel.renew(site.script.heard[0].sender)
    new_cookie, new_ticket = await hold(site, cookie)
    site.clock.advance(minutes=2)
    with pytest.raises(NotConnected):
        async with page(site, cookie, ticket):
            pass
    async with page(site, new_cookie, new_ticket) as client:
        assert [entry["data"]["text"] for entry in client.got("resume")[0]["entries"]] == [
            "你好",
            "听到了：你好",
        ]
