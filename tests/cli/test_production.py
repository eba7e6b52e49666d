"""Production starts only when it is complete and safe; each refusal names the setting that is to be mended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sanic import Sanic

from bot.channels import rest
from bot.channels.wechat.wire import signature_of
from bot.sandbox.keys import ensure_keys
from services.domain.ids import new_id
from services.settings import REQUIRED, Settings
from tests.cli.conftest import Shebao
from tests.cli.operator import WECHAT, environment, own_keys, production
from tests.journeys.driver import ROOT, free_port

TOKEN = "a-token-of-the-operator's-choice"


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return production(tmp_path_factory.mktemp("operator"))


@pytest.fixture(scope="module")
def sandbox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    ensure_keys(folder)
    return folder


def problems(settings: dict[str, Any]) -> list[str]:
    return Settings(_env_file=None, **settings).problems()


def test_a_complete_configuration_has_no_problems(complete: dict[str, Any]) -> None:
    assert problems(complete) == []
    assert problems(complete | WECHAT) == []
    assert problems(complete | {"rest_token": "a" * 32, "rest_enabled": True}) == []
    assert problems(complete | {"workers": 4, "database_url": "postgresql://u@db/shebao"}) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing_is_named(complete: dict[str, Any], name: str) -> None:
    rest = {key: value for key, value in complete.items() if key != name}
    assert any(f"SHEBAO_{name.upper()} " in line for line in problems(rest))


@pytest.mark.parametrize("name", WECHAT)
def test_wechat_is_there_as_a_whole_or_not_at_all(complete: dict[str, Any], name: str) -> None:
    rest = {key: value for key, value in WECHAT.items() if key != name}
    assert problems(complete | rest) == [f"SHEBAO_{name.upper()} is not set"]


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("SHEBAO_ALIPAY_GATEWAY_URL", {"alipay_gateway_url": "http://openapi.alipay.com/gateway.do"}),
    ("SHEBAO_ALIPAY_GATEWAY_URL", {"alipay_gateway_url": "https://x.example/sandbox/alipay/gateway.do"}),
    ("SHEBAO_ALIPAY_PAGE_URL", {"alipay_page_url": "http://openapi.alipay.com/gateway.do"}),
    ("SHEBAO_ALIPAY_OAUTH_URL", {"alipay_oauth_url": "http://openauth.alipay.com"}),
    ("SHEBAO_BUREAU_URL", {"bureau_url": "http://127.0.0.1:8000/sandbox/bureau"}),
    ("SHEBAO_WECHAT_API_URL", {**WECHAT, "wechat_api_url": "http://api.weixin.qq.com"}),
    ("SHEBAO_WECHAT_AES_KEY", {**WECHAT, "wechat_aes_key": "short"}),
    ("SHEBAO_WECHAT_PLAIN", {"wechat_plain": True}),
    ("SHEBAO_PUBLIC_URL", {"public_url": "http://shebao.example.gov.cn"}),
    ("SHEBAO_PUBLIC_URL", {"public_url": ""}),
    ("SHEBAO_REST_TOKEN", {"rest_enabled": True}),
    ("SHEBAO_WORKERS", {"workers": 2}),
    ("SHEBAO_CLOCK", {"clock": "2026-11-23T10:00:00+08:00"}),
    ("SHEBAO_ROOT_KEY_FILE", {"root_key_file": "/nowhere/root.key"}),
    ("SHEBAO_CALENDAR_FILE", {"calendar_file": "/nowhere/calendar.yml"}),
]


@pytest.mark.parametrize("name, change", WRONG)
def test_what_is_wrong_is_named(complete: dict[str, Any], name: str, change: dict[str, Any]) -> None:
    [line] = problems(complete | change)
    assert name in line


@pytest.mark.parametrize(
    "name, file",
    [
        ("root_key_file", "root.key"),
        ("alipay_private_key_file", "app-private.pem"),
        ("alipay_public_key_file", "gateway-public.pem"),
    ],
)
def test_a_sandbox_key_is_refused(
    complete: dict[str, Any], sandbox_folder: Path, name: str, file: str
) -> None:
    [line] = problems(complete | {name: sandbox_folder / "sandbox-keys" / file})
    assert line.startswith(f"SHEBAO_{name.upper()} is a sandbox key")


def test_no_secret_is_told(complete: dict[str, Any]) -> None:
    wrong = problems(complete | WECHAT | {"wechat_aes_key": "not-a-key", "rest_token": "hush"})
    assert "not-a-key" not in str(wrong)
    assert "hush" not in str(wrong)
    assert "token of the bureau" not in repr(Settings(_env_file=None, **complete))


def test_serve_refuses_and_says_why(shebao: Shebao, complete: dict[str, Any], tmp_path: Path) -> None:
    folder = {"data_dir": tmp_path / "empty"}
    assert "SHEBAO_CLOCK" in shebao("serve", **(complete | folder), clock="2026-11-23").line
    assert not (tmp_path / "empty" / "shebao.db").exists()


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["keys", "rotate"]])
def test_a_command_without_keys_lists_what_is_missing(shebao: Shebao, command: list[str]) -> None:
    ran = shebao(*command, env="production", port=free_port())
    assert ran.code == 1
    assert all(f"SHEBAO_{name.upper()} is not set" in ran.err for name in REQUIRED)
    assert "Traceback" not in ran.err


def test_keys_that_are_no_keys_are_told_in_a_line(
    shebao: Shebao, complete: dict[str, Any], tmp_path: Path
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk")
    for name in own_keys(complete["data_dir"]):
        settings = complete | {"data_dir": tmp_path, name: junk, "port": free_port()}
        assert f"SHEBAO_{name.upper()}" in shebao("serve", **settings).line


def test_the_root_key_of_another_store_is_told_in_a_line(
    shebao: Shebao, complete: dict[str, Any], tmp_path: Path
) -> None:
    settings = complete | {"data_dir": tmp_path}
    assert shebao("keys", "rotate", **settings).code == 0
    other = tmp_path / "other.key"
    other.write_bytes(bytes(range(32)))
    assert (
        "SHEBAO_ROOT_KEY_FILE"
        in shebao("serve", **settings | {"root_key_file": other, "port": free_port()}).line
    )


def test_the_sandbox_cannot_be_loaded_in_production(shebao: Shebao, complete: dict[str, Any]) -> None:
    assert "SHEBAO_ENV" in shebao("sandbox", "load", "data/sandbox/residents.yml", **complete).line


@pytest.fixture(scope="module")
def service(complete: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service in production, with a REST token."""
    folder, port = tmp_path_factory.mktemp("production"), free_port()
    settings = complete | WECHAT | {"data_dir": folder, "port": port, "rest_token": TOKEN}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHEBAO_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "serve"], cwd=ROOT, env=inherited | environment(settings),
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(base, process, folder / "log")
        yield base
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0
    told = (folder / "log").read_text()
    assert TOKEN not in told
    assert "Traceback" not in told


def wait_for(base: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            httpx.get(f"{base}/healthz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)


def test_in_production_rest_needs_its_token(service: str) -> None:
    body = {"sender": "a", "message": "你好"}
    for path, asked in (("/webhooks/rest/webhook", body), ("/model/parse", {"text": "你好"})):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN[:-1]}):
            refused = httpx.post(service + path, json=asked, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        answered = httpx.post(service + path, json=asked, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answered.status_code == 200
        assert "您好" in str(answered.json()) or answered.json()["text"] == "你好"


def test_in_production_there_is_no_sandbox(service: str) -> None:
    for path in ("keys", "state?id_number=1", "alipay/gateway.do", "wechat/messages?openid=a", "bureau/ping"):
        assert httpx.get(f"{service}/sandbox/{path}").status_code == 404
    for path in (
        "clock",
        "alipay/gateway.do",
        "alipay/faults",
        "bureau/quote",
        "wechat/cgi-bin/stable_token",
    ):
        assert httpx.post(f"{service}/sandbox/{path}", json={}).status_code == 404


def test_in_production_a_plain_or_forged_delivery_is_refused(service: str) -> None:
    stamp = str(int(time.time()))
    query = {"timestamp": stamp, "nonce": "n", "signature": signature_of(WECHAT["wechat_token"], stamp, "n")}
    body = "<xml><ToUserName>g</ToUserName><FromUserName>o</FromUserName><MsgType>text</MsgType><Content>x</Content><MsgId>1</MsgId></xml>"
    assert httpx.post(f"{service}/webhooks/wechat", params=query, content=body).status_code == 403
    assert httpx.get(f"{service}/webhooks/wechat", params=query | {"echostr": "12"}).text == "12"


def test_in_production_peers_that_are_away_make_it_not_ready(service: str) -> None:
    answer = httpx.get(f"{service}/readyz", timeout=30)
    assert (answer.status_code, answer.json()["gateway"], answer.json()["model"]) == (503, False, True)


async def test_without_a_token_rest_is_off(complete: dict[str, Any]) -> None:
    app = Sanic(f"gate-{new_id()}", configure_logging=False)
    app.config.TOUCHUP = False

    async def nobody(_: object) -> Any:
        raise AssertionError

    app.blueprint(
        rest.blueprint(converse=nobody, parse=nobody, settings=Settings(_env_file=None, **complete))
    )
    port = free_port()
    server = await app.create_server(port=port, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.start_serving()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for path in ("/webhooks/rest/webhook", "/model/parse"):
            assert (await http.post(path, json={"sender": "a", "message": "b"})).status_code == 404
    await server.close()
    Sanic.unregister_app(app)
