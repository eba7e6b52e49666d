"""The wiring of one worker process: services, engine, channels, routes. Reads top to bottom as it starts."""

import asyncio
from functools import partial

import structlog
from sanic import Sanic

from bot import push, worker
from bot.channels import rest
from bot.channels.base import Converse, Message, UserMessage
from bot.channels.web.channel import WebChannel
from bot.channels.wechat.channel import WeChatChannel
from bot.errors import on_error
from bot.logs import configure as configure_logs
from bot.promises import Promises
from bot.push import Pushable
from bot.routes import cashier, documents, exports, health, identity, notify
from services.adapters.wechat.messenger import WeChatMessenger
from services.bootstrap import Services, bootstrap
from services.settings import Settings

log = structlog.get_logger("app")


def create_app(settings: Settings) -> Sanic:
    """The Sanic application of one worker. Nothing is opened before the server starts."""
    configure_logs(settings.log_level)
    app = Sanic("shebao", configure_logging=False)
    app.config.update(REQUEST_MAX_SIZE=1_000_000, RESPONSE_TIMEOUT=60, FALLBACK_ERROR_FORMAT="json")
    app.config.MOTD = False
    app.error_handler.add(Exception, on_error)

    services = bootstrap(settings)
    app.ctx.services = services
    app.ctx.turns = None
    converse = partial(_converse, app)
    web = WebChannel(
        converse=converse, settings=settings, clock=services.clock, key=services.secret("web-sessions")
    )
    channels: list[Pushable] = [web]
    web.attach(app)
    if settings.wechat_app_id:
        channels.append(_add_wechat(app, services, converse))
    app.blueprint(rest.blueprint(converse=converse, parse=partial(_parse, app), settings=settings))
    app.blueprint(identity.blueprint(services.identity, on_progress=partial(_progressed, services, web)))
    app.blueprint(cashier.blueprint(services.payment, bridge_url=services.settings.wechatpay_bridge_url))
    app.blueprint(notify.blueprint(services.payment))
    app.blueprint(documents.blueprint(services.certificates, browser_of=web.conversation_of))
    app.blueprint(exports.blueprint(services.exports, browser_of=web.conversation_of))
    app.blueprint(health.blueprint(services, ready=lambda: app.ctx.turns is not None))
    if settings.sandbox:
        from bot.sandbox.app import attach

        attach(app, settings)

    app.before_server_start(partial(_start, settings=settings, services=services))
    app.after_server_start(partial(_work, services=services, channels=channels))
    app.before_server_stop(_rest)
    app.after_server_stop(partial(_stop, services=services))
    return app


def _add_wechat(app: Sanic, services: Services, converse: Converse) -> WeChatChannel:
    settings, promises = services.settings, Promises(services)
    secret = settings.wechat_secret
    messenger = WeChatMessenger(
        api_url=settings.wechat_api_url,
        app_id=settings.wechat_app_id,
        secret=secret.get_secret_value() if secret else "",
        clock=services.clock,
    )
    channel = WeChatChannel(
        converse=converse,
        settings=settings,
        clock=services.clock,
        messenger=messenger,
        promises=promises,
        unbind=services.identity.unbind,
    )
    promises.kept_by(channel.name, channel.answer_late)
    channel.attach(app)
    app.after_server_stop(lambda _app: messenger.close())
    return channel


async def _start(app: Sanic, *, settings: Settings, services: Services) -> None:
    """Load the engine; the first request is answered after this."""
    from actions.run_flow import RunFlow
    from bot.engine.agent import Engine
    from bot.engine.nlu.today import set_clock
    from bot.engine.training import latest_model
    from bot.redaction import Redactor
    from bot.turns import Turns

    set_clock(lambda: services.clock.now().date())
    await services.open()
    engine = await Engine.load(
        latest_model(settings.models_dir),
        database=services.database,
        actions=[RunFlow(services)],
        clock=services.clock,
    )
    redactor = Redactor(services.vault)
    app.ctx.engine, app.ctx.redactor = engine, redactor
    app.ctx.turns = Turns(
        engine=engine,
        database=services.database,
        redactor=redactor,
        vault=services.vault,
        clock=services.clock,
    )


async def _work(app: Sanic, *, services: Services, channels: list[Pushable]) -> None:
    """What runs beside the requests: pushed messages, and the durable work, which a worker may share."""
    stop = app.ctx.stop = asyncio.Event()
    app.add_task(push.run(services.notices, app.ctx.turns, channels, stop))
    app.add_task(worker.run(services.durable, stop))


async def _rest(app: Sanic) -> None:
    app.ctx.stop.set()


async def _stop(app: Sanic, *, services: Services) -> None:
    if app.ctx.turns is not None:
        await app.ctx.turns.close()
    await services.close()


async def _converse(app: Sanic, message: UserMessage) -> list[Message]:
    return await app.ctx.turns(message)


async def _parse(app: Sanic, sentence: str) -> dict[str, object]:
    redacted = await app.ctx.redactor.redact("parse:", sentence, names=False)
    return await app.ctx.engine.parse(redacted)


async def _progressed(services: Services, web: WebChannel, conversation_id: str) -> None:
    """Consent or verification is through: the conversation goes on where the channel can be pushed to."""
    channel, _, sender = conversation_id.partition(":")
    if channel == web.name:
        await web.renew(sender)
    await services.notices.announce(conversation_id, "identity_progress")
