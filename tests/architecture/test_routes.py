"""Every route has been thought about: who may call it. A new route fails here until it is in the table."""

from pathlib import Path

import pytest
from sanic import Sanic

from bot.app import create_app
from bot.sandbox.settings import complete
from services.settings import Settings

OPEN = "anybody"
SESSION = "the page's own session"
SIGNED = "signed by the platform"
LINK = "whoever holds the link"
CODE = "whoever holds the code, within a budget"
STATE = "whoever comes back with our single-use state"
GATED = "in the sandbox, else with a bearer token"
OPERATOR = "the operator's network"
SANDBOX = "in the sandbox only"

POLICIES = {
    "": OPEN,
    "web/": SESSION,
    "socket.io": SESSION,
    "webhooks/socketio": SESSION,
    "webhooks/rest/webhook": GATED,
    "model/parse": GATED,
    "webhooks/wechat": SIGNED,
    "notify/alipay": SIGNED,
    "notify/wechatpay": SIGNED,
    "oauth/alipay/callback": STATE,
    "return/alipay/": STATE,
    "pay/": LINK,
    "documents/": LINK,
    "exports/": LINK,
    "verify": CODE,
    "healthz": OPEN,
    "readyz": OPEN,
    "metrics": OPERATOR,
    "sandbox/": SANDBOX,
}
"""Path, or the beginning of one that ends in `/`."""


def policy(path: str) -> str | None:
    found = [
        p
        for p in POLICIES
        if path == p or (p.endswith("/") and path.startswith(p)) or (path.startswith(p + "/") and p)
    ]
    return POLICIES[max(found, key=len)] if found else None


@pytest.fixture
def routes(tmp_path: Path) -> set[str]:
    app = create_app(complete(Settings(_env_file=None, data_dir=tmp_path)))
    try:
        return {route.path for route in app.router.routes}
    finally:
        Sanic.unregister_app(app)


def test_every_route_has_a_policy(routes: set[str]) -> None:
    assert [path for path in routes if policy(path) is None] == []


def test_every_policy_has_a_route(routes: set[str]) -> None:
    assert [p for p in POLICIES if not any(path == p or path.startswith(p) for path in routes)] == []


def test_the_sandbox_is_not_there_in_production(tmp_path: Path) -> None:
    settings = complete(Settings(_env_file=None, data_dir=tmp_path)).model_copy(update={"env": "production"})
    app = create_app(settings)
    try:
        assert [route.path for route in app.router.routes if route.path.startswith("sandbox")] == []
    finally:
        Sanic.unregister_app(app)
