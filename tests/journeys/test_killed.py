"""`kill -9` between confirmation and result, then start again: exactly one payment, known to both sides."""

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import httpx2 as httpx
import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import everybody, who

FULL = bool(os.environ.get("SHEBAO_TEST_FULL"))


def confirmed(town: Town, sender: str) -> Resident:
    """A resident in front of the review."""
    resident = town.resident(sender)
    resident.say("交明年的居民医保")
    resident.log_in(who("is_killed")["alipay_user_id"])
    assert resident.has("payment_confirmation")
    return resident


def bring_to_an_end(town: Town, resident: Resident) -> None:
    """What a patient resident does after a breakdown: ask, confirm if asked, pay if there is something to pay."""
    account = who("is_killed")["alipay_user_id"]
    end = time.monotonic() + 60
    resident.say("刷新")
    while time.monotonic() < end:
        if resident.has("payment_status") and resident.card("payment_status")["status"] == "paid":
            return
        if resident.has("payment_request"):
            resident.pay(account)
            resident.say("付好了")
        elif resident.has("payment_confirmation"):
            resident.say("确认支付")
        else:
            time.sleep(0.5)
            resident.say("刷新")
            if "没有要付的单子" in resident.text:
                resident.say("交明年的居民医保")
    raise AssertionError(f"not paid: {resident.last}")


def exactly_one_payment(town: Town) -> None:
    end = time.monotonic() + 30
    while True:
        state = town.state(who("is_killed")["id_number"])
        paid = [trade for trade in state["trades"] if trade["trade_status"] == "TRADE_SUCCESS"]
        if len(state["payments"]) == 1 and len(paid) == 1:
            break
        assert time.monotonic() < end, state
        assert len(paid) <= 1
        time.sleep(0.5)
    assert Decimal(paid[0]["total_amount"]) == Decimal(state["payments"][0]["amount"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(20 if FULL else 2))
def test_killed_at_a_random_moment(new_town: Callable[..., Town], seed: int) -> None:
    chance = random.Random(seed)
    town = new_town()
    town.load(everybody())
    resident = confirmed(town, "killed")
    for _ in range(3 if FULL else 2):
        delay = chance.uniform(0, 0.25)
        with suppress(httpx.TransportError, AssertionError):
            killer = threading.Timer(delay, town.kill)
            killer.start()
            resident.say(chance.choice(["确认支付", "刷新"]))
            if resident.has("payment_request"):
                resident.pay(who("is_killed")["alipay_user_id"])
                resident.say("付好了")
        killer.join()
        town.kill()
        town.start()
    bring_to_an_end(town, resident)
    exactly_one_payment(town)
