"""The whole service with WeChat Pay switched on: a conversation in WeChat, paid and known to both sides."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import everybody, who
from tests.journeys.test_wechat import WeChat, link


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    service = Town(tmp_path / "town", environment={"SHEBAO_WECHAT_PAYS_WITH": "wechatpay"}).start()
    try:
        service.load(everybody())
        yield service
    finally:
        service.stop()


def until(found: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_premium_is_paid_by_wechat_pay_in_wechat(town: Town) -> None:
    me = who("writes_in_wechat")
    wechat = WeChat(town, "o" + secrets.token_hex(8))
    browser = Resident(town, "wechat")
    browser.fill(link(wechat.say("帮我交明年的居民医保")), "同意", account=me["alipay_user_id"])
    browser.fill(link(wechat.say("好了")), "通过")
    assert "400" in wechat.say("好了")
    request = wechat.say("确认支付")
    assert "在微信付款" in request
    paid = browser.fill(link(request), "确认付款", account=me["alipay_user_id"], password="123456")
    assert "模拟微信支付" in paid.text
    assert "支付成功" in paid.text

    def state() -> dict[str, list[dict[str, str]]]:
        answer = town.http.get("/sandbox/state", params={"id_number": me["id_number"]})
        found: dict[str, list[dict[str, str]]] = answer.json()
        return found

    until(lambda: bool(state()["payments"]))  # nobody has asked: the notification did it
    [trade] = state()["wechat_trades"]
    assert (trade["trade_state"], trade["total_amount"]) == ("SUCCESS", "400.00")
    assert state()["trades"] == []
    assert len(state()["payments"]) == 1
    assert "已付款" in wechat.say("付好了")
