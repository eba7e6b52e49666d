"""Alipay's own SDK for Node against the simulated gateway: it accepts our signatures, and reads our errors."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.domain.ids import order_number
from tests.alipay.conftest import WANG, Town, look

HERE = Path(__file__).parent / "node"
NEEDED = "node and npm are not there: apt-get install nodejs npm (`make test` does so when it runs as root)"
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(scope="session")
def folder() -> Path:
    """Where the locked SDK is installed: once for every state of the lock file."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.fail(NEEDED)
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shebao"
    wanted = cache / f"node-{lock}"
    if not wanted.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as fresh:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, fresh)
            npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            ran = subprocess.run(npm, cwd=fresh, capture_output=True, text=True, timeout=240, check=False)
            if ran.returncode:
                pytest.fail(f"npm ci failed: {ran.stderr[-500:]}")
            if not wanted.exists():
                Path(fresh).rename(wanted)
                Path(fresh).mkdir()
    return wanted


class Client:
    """The SDK in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        told = await asyncio.wait_for(self._process.stdout.readline(), 30)
        answer: dict[str, Any] = json.loads(told)
        return answer

    async def __call__(
        self, method: str, *, common: dict[str, str] | None = None, **biz: str
    ) -> dict[str, Any]:
        answer = await self.ask({"call": method, "biz": biz, "common": common or {}})
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result


def body_of(pem: Path) -> str:
    """The key in one line, as the SDK wants it."""
    return "".join(line for line in pem.read_text().splitlines() if line and not line.startswith(("#", "-")))


async def start(folder: Path, town: Town, told: Path, **changed: str) -> Client:
    private = body_of(town.keys.app_private_key_file)
    public = body_of(town.keys.gateway_public_key_file)
    pkcs1 = "BEGIN RSA PRIVATE KEY" in town.keys.app_private_key_file.read_text()
    given = {
        "key_type": "PKCS1" if pkcs1 else "PKCS8",
        "app_id": town.keys.alipay_app_id, "private_key": private, "public_key": public,
        "gateway": town.gateway_url, **changed,
    }  # fmt: skip
    told.write_text(json.dumps(given))
    shutil.copy(HERE / "client.mjs", folder)
    process = await asyncio.create_subprocess_exec(
        "node", str(folder / "client.mjs"), str(told), stdin=PIPE, stdout=PIPE, cwd=folder
    )
    return Client(process)


@pytest.fixture
async def sdk(town: Town, folder: Path, tmp_path: Path) -> AsyncIterator[Client]:
    client = await start(folder, town, tmp_path / "given.json")
    yield client
    client._process.kill()
    await client._process.wait()


async def precreate(sdk: Client, town: Town, number: str) -> str:
    placed = await sdk(
        "alipay.trade.precreate",
        common={"notifyUrl": f"{town.base}/notify/alipay"},
        out_trade_no=number, total_amount="400.00", subject="居民医保 2027",
        time_expire=town.expires().strftime("%Y-%m-%d %H:%M:%S"),
    )  # fmt: skip
    assert (placed["code"], placed["out_trade_no"]) == ("10000", number)
    return str(placed["qr_code"])


async def test_a_whole_payment_with_its_notification_and_its_refunds(town: Town, sdk: Client) -> None:
    number = order_number("GZ1")
    link = await precreate(sdk, town, number)
    absent = await sdk("alipay.trade.query", out_trade_no=number)
    assert (absent["code"], absent["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    await look(link)
    assert (await sdk("alipay.trade.query", out_trade_no=number))["trade_status"] == "WAIT_BUYER_PAY"
    await town.pay(link)
    paid = await sdk("alipay.trade.query", out_trade_no=number)
    assert (paid["trade_status"], paid["total_amount"], paid["buyer_user_id"]) == (
        "TRADE_SUCCESS",
        "400.00",
        WANG,
    )

    [form] = await town.merchant.wait_for(1)
    assert (await sdk.ask({"verify": form}))["verified"]
    assert not (await sdk.ask({"verify": form | {"total_amount": "1.00"}}))["verified"]

    for request_no, amount, moved in (("r1", "100.00", "Y"), ("r1", "100.00", "N"), ("r2", "300.00", "Y")):
        refunded = await sdk(
            "alipay.trade.refund", out_trade_no=number, out_request_no=request_no, refund_amount=amount
        )
        assert (refunded["code"], refunded["fund_change"]) == ("10000", moved)
    found = await sdk("alipay.trade.fastpay.refund.query", out_trade_no=number, out_request_no="r1")
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "100.00")
    none = await sdk("alipay.trade.fastpay.refund.query", out_trade_no=number, out_request_no="r3")
    assert "refund_status" not in none
    too_much = await sdk(
        "alipay.trade.refund", out_trade_no=number, out_request_no="r4", refund_amount="1.00"
    )
    assert too_much["code"] == "40004"
    assert too_much["sub_code"].startswith("ACQ.")


async def test_closing(town: Town, sdk: Client) -> None:
    number = order_number("GZ1")
    link = await precreate(sdk, town, number)
    assert (await sdk("alipay.trade.close", out_trade_no=number))["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    await look(link)
    assert (await sdk("alipay.trade.close", out_trade_no=number))["code"] == "10000"
    assert (await sdk("alipay.trade.query", out_trade_no=number))["trade_status"] == "TRADE_CLOSED"
    paid = order_number("GZ1")
    link = await precreate(sdk, town, paid)
    await town.pay(link)
    assert (await sdk("alipay.trade.close", out_trade_no=paid))["sub_code"] == "ACQ.TRADE_STATUS_ERROR"


async def test_an_outage_and_an_impossible_order_are_read_as_errors(town: Town, sdk: Client) -> None:
    await town.fault("alipay.trade.query", "system_error")
    broken = await sdk("alipay.trade.query", out_trade_no=order_number("GZ1"))
    assert broken["code"] == "20000" or broken["sub_code"].endswith("SYSTEM_ERROR")
    number = order_number("GZ1")
    await precreate(sdk, town, number)
    other = await sdk(
        "alipay.trade.precreate", out_trade_no=number, total_amount="1.00", subject="居民医保 2027"
    )
    assert other["code"] == "40004"


async def test_a_wrong_key_on_either_side_is_noticed(town: Town, folder: Path, tmp_path: Path) -> None:
    ours = body_of(town.keys.app_public_key_file)
    doubting = await start(folder, town, tmp_path / "doubting.json", public_key=ours)
    answer = await doubting.ask({"call": "alipay.trade.query", "biz": {"out_trade_no": "GZ1"}})
    assert "验签失败" in answer.get("error", ""), (
        f"it believes an answer that somebody else has signed: {answer}"
    )
    stranger = await start(folder, town, tmp_path / "stranger.json", app_id="2021999999999999")
    refused = await stranger.ask({"call": "alipay.trade.query", "biz": {"out_trade_no": "GZ1"}})
    assert "error" in refused or refused["result"]["code"] != "10000"
    for client in (doubting, stranger):
        client._process.kill()
        await client._process.wait()
