"""One bill on several devices, and fifty browsers at its cashier at once: paid once, and everybody hears the truth."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from tests.journeys.driver import Resident, Town
from tests.journeys.people import who

DEVICES, BROWSERS = 3, 50


def test_fifty_browsers_pay_one_bill_once(town: Town) -> None:
    person = who("has_many_devices")
    devices = [town.resident(f"device{number}") for number in range(DEVICES)]
    for device in devices:
        device.say("交明年的居民医保")
        device.log_in(person["alipay_user_id"])
        assert device.has("payment_confirmation")

    def confirm(device: Resident) -> None:
        device.say("确认支付")
        while not device.has("payment_request"):  # another device is at it
            device.say("刷新")

    def pay(number: int) -> str:
        device = devices[number % DEVICES]
        try:
            return device.pay(person["alipay_user_id"]).text
        except (AssertionError, StopIteration):  # a page that has nothing to pay any more
            return ""

    with ThreadPoolExecutor(BROWSERS) as pool:
        list(pool.map(confirm, devices))
        assert len({device.card("payment_request")["order_no"] for device in devices}) == 1
        list(pool.map(pay, range(BROWSERS)))

    for device in devices:
        device.say("付好了")
        assert device.card("payment_status")["status"] == "paid"
    state = town.state(person["id_number"])
    paid = [trade for trade in state["trades"] if trade["trade_status"] == "TRADE_SUCCESS"]
    assert len(paid) == len(state["trades"]) == len(state["payments"]) == 1
    assert Decimal(paid[0]["total_amount"]) == Decimal(state["payments"][0]["amount"])
