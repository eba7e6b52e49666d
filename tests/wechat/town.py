"""The channel in a real server with the sandbox's WeChat beside it; a stand-in has the conversation."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import httpx2 as httpx
from sanic import Sanic
from sqlalchemy import create_engine
from wechatpy.crypto import WeChatCrypto

from bot import worker
from bot.channels.base import Message, UserMessage
from bot.channels.wechat.channel import WeChatChannel
from bot.channels.wechat.wire import signature_of
from bot.errors import on_error
from bot.promises import Promises
from bot.sandbox import keys as sandbox_keys
from bot.sandbox import wechat
from bot.sandbox.books import Books
from bot.sandbox.keys import SandboxKeys, ensure_keys
from bot.sandbox.settings import complete
from services.adapters.clock import SandboxClock
from services.adapters.wechat.messenger import WeChatMessenger
from services.domain.ids import new_id
from services.durable import Durable
from services.settings import Settings
from services.store.base import Base
from services.store.session import Database
from services.vault import Vault
from tests.conftest import all_tables


class Talker:
    """Has the conversation as `bot.turns` does: in order, each message once, known to the disk before an answer."""

    def __init__(self, folder: Path, delay: float = 0) -> None:
        self.delay, self.fails = delay, 0
        self.answer: list[Message] | None = None
        self.calls = 0
        self._file = folder / "turns.json"
        self._line = asyncio.Lock()

    @property
    def effects(self) -> dict[str, list[Message]]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)
        self.answer, self.calls = None, 0

    async def __call__(self, message: UserMessage) -> list[Message]:
        self.calls += 1
        async with self._line:
            done, key = self.effects, f"{message.conversation_id} {message.message_id}"
            if key not in done:
                await asyncio.sleep(self.delay)
                if self.fails:
                    self.fails -= 1
                    raise RuntimeError("the turn fails")
                done[key] = self.answer or [{"text": f"第{len(done) + 1}句：{message.text}"}]
                self._file.write_text(json.dumps(done))
            return done[key]


@dataclass
class Town:
    base: str
    clock: SandboxClock
    keys: SandboxKeys
    books: Books
    database: Database
    channel: WeChatChannel
    talker: Talker
    messenger: WeChatMessenger
    vault: Vault
    http: httpx.AsyncClient
    unbound: list[str] = field(default_factory=list)

    def follower(self) -> "Follower":
        return Follower(self, "o" + secrets.token_hex(8))


@dataclass
class Follower:
    """A resident, and WeChat between them and us."""

    town: Town
    openid: str

    async def say(self, text: str, message_id: str = "") -> str:
        """The passive answer, or `200 success`."""
        message_id = message_id or str(secrets.randbits(62))
        return await self.deliver(text_xml(text, message_id))

    async def event(self, event: str, key: str = "", stamp: int = 1790000000) -> str:
        return await self.deliver(
            f"<MsgType>event</MsgType><Event>{event}</Event><EventKey>{key}</EventKey>", created=stamp
        )

    async def deliver(self, body: str, *, created: int = 1790000000, **how: object) -> str:
        return await self.post(*self.envelope(body, created=created, **how))  # type: ignore[arg-type]

    def envelope(
        self, body: str, *, created: int = 1790000000, late: float = 0, app_id: str = "", extra: str = ""
    ) -> tuple[dict[str, str], bytes]:
        """The query and the body of an encrypted delivery, signed `late` seconds ago."""
        keys = self.town.keys
        stamp, nonce = str(int(self.town.clock.now().timestamp() - late)), secrets.token_hex(5)
        crypto = WeChatCrypto(keys.wechat_token, keys.wechat_aes_key, app_id or keys.wechat_app_id)
        cipher = crypto.encrypt_message(self.xml(body, created), nonce, stamp)
        cipher = cipher.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        query = {
            "signature": signature_of(keys.wechat_token, stamp, nonce), "timestamp": stamp, "nonce": nonce,
            "openid": self.openid, "encrypt_type": "aes",
            "msg_signature": signature_of(keys.wechat_token, stamp, nonce, cipher),
        }  # fmt: skip
        return query, f"<xml><ToUserName>gh_1</ToUserName>{extra}<Encrypt>{cipher}</Encrypt></xml>".encode()

    def plain(self, body: str) -> tuple[dict[str, str], bytes]:
        stamp, nonce = str(int(self.town.clock.now().timestamp())), secrets.token_hex(5)
        signature = signature_of(self.town.keys.wechat_token, stamp, nonce)
        return {"signature": signature, "timestamp": stamp, "nonce": nonce}, self.xml(
            body, 1790000000
        ).encode()

    def xml(self, body: str, created: int) -> str:
        return (
            f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{self.openid}</FromUserName>"
            f"<CreateTime>{created}</CreateTime>{body}</xml>"
        )

    async def post(self, query: dict[str, str], body: bytes) -> str:
        answer = await self.town.http.post("/webhooks/wechat", params=query, content=body)
        if answer.status_code != 200 or answer.text == "success":
            return f"{answer.status_code} {answer.text}".strip()
        if query.get("encrypt_type") != "aes":
            return content(answer.text, self.openid)
        keys = self.town.keys
        crypto = WeChatCrypto(keys.wechat_token, keys.wechat_aes_key, keys.wechat_app_id)
        signature = answer.text.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
        nonce, stamp = query["nonce"], query["timestamp"]
        return content(crypto.decrypt_message(answer.text, signature, stamp, nonce), self.openid)

    async def received(self, count: int = 0, seconds: float = 30) -> list[str]:
        """What came by the customer-service API, once there are `count`."""
        async with asyncio.timeout(seconds):
            while True:
                answer = await self.town.http.get("/sandbox/wechat/messages", params={"openid": self.openid})
                found = [message["content"] for message in answer.json()["messages"]]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)


def text_xml(text: str, message_id: str) -> str:
    return f"<MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{message_id}</MsgId>"


def content(xml: str, openid: str) -> str:
    """The text of a passive answer, as WeChat's own parser reads it."""
    import xmltodict

    fields = xmltodict.parse(xml)["xml"]
    assert (fields["ToUserName"], fields["FromUserName"], fields["MsgType"]) == (openid, "gh_1", "text")
    return str(fields["Content"])


def make_store(folder: Path) -> Path:
    """An empty store with all tables; reused when it is there."""
    file = folder / "shebao.db"
    if not file.exists():
        all_tables()
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
        engine.dispose()
    return file


@asynccontextmanager
async def open_town(
    folder: Path, *, port: int = 0, passive_seconds: float = 2, delay: float = 0, **more: object
) -> AsyncIterator[Town]:
    """One life of the service on this data folder."""
    worker.LOOK_SECONDS = 0.02
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    port = listener.getsockname()[1]
    settings = complete(Settings(_env_file=None, port=port, data_dir=folder)).model_copy(update=more)
    keys, clock = ensure_keys(folder), SandboxClock(folder / "sandbox-clock.json")
    database = Database(f"sqlite+aiosqlite:///{make_store(folder)}")
    books, durable = Books(folder, clock), Durable(database=database, clock=clock)
    vault = Vault.from_file(database, clock, keys.root_key_file)
    await vault.prepare()
    await books.open()
    services = SimpleNamespace(database=database, vault=vault, clock=clock, durable=durable)
    promises, talker, unbound = Promises(services), Talker(folder, delay), []  # type: ignore[arg-type]
    messenger = WeChatMessenger(
        api_url=settings.wechat_api_url, app_id=keys.wechat_app_id, secret=keys.wechat_secret, clock=clock
    )

    async def unbind(conversation_id: str) -> None:
        unbound.append(conversation_id)

    channel = WeChatChannel(
        converse=talker, settings=settings, clock=clock, messenger=messenger, promises=promises,
        unbind=unbind, passive_seconds=passive_seconds,
    )  # fmt: skip
    promises.kept_by(channel.name, channel.answer_late)
    app = Sanic(f"wechat-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False  # Sanic rewrites its own methods once per process only
    app.config.REQUEST_MAX_SIZE = 1_000_000
    app.error_handler.add(Exception, on_error)
    channel.attach(app)
    app.blueprint(wechat.blueprint(books, keys))
    app.blueprint(sandbox_keys.blueprint(keys))
    wechat.observe(app, books, keys)
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.start_serving()
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(durable, stop))
    base = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=base, timeout=20) as http:
            yield Town(base, clock, keys, books, database, channel, talker, messenger, vault, http, unbound)
    finally:
        stop.set()
        await working
        await server.before_stop()
        await messenger.close()
        await server.close()
        for connection in list(server.connections):
            connection.close()
        Sanic.unregister_app(app)
        await books.close()
        await database.close()
