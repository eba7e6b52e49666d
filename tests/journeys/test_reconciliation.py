"""What an operator sees of a day: matched, mended, late, and what needs people; with the service running beside."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.journeys.driver import Resident, Town
from tests.journeys.people import MEDICAL, RESIDENT, enrolment, resident

pytestmark = pytest.mark.timeout(300)
PEOPLE = [
    resident(f"赵{name}", f"1979{n:02d}11", 80 + n, enrolment(RESIDENT, MEDICAL))
    for n, name in enumerate("甲乙丙丁戊己", start=1)
]
MONDAY = "2026-11-23"
QUERY = "alipay.trade.query"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service for this file; each of its tests has days of its own, from Monday 10:00 on."""
    service = Town(tmp_path_factory.mktemp("county")).start()
    service.load(PEOPLE)
    yield service
    service.stop()


def pay(town: Town, who: dict[str, Any], sender: str) -> tuple[Resident, str]:
    one = town.resident(sender)
    one.say("交明年的居民医保")
    one.log_in(who["alipay_user_id"])
    one.say("确认支付")
    order_no = one.card("payment_request")["order_no"]
    one.pay(who["alipay_user_id"])
    return one, order_no


def wait(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.2)
    raise AssertionError("it has not come")


def open_findings(town: Town) -> dict[str, int]:
    text = town.http.get("/metrics").text
    return {
        kind: int(float(count))
        for kind, count in re.findall(r'shebao_open_findings\{kind="(\w+)"\} (\S+)', text)
    }


def at(town: Town, moment: str) -> None:
    town.post("/sandbox/clock", {"now": f"{moment}+08:00"})


def test_a_payment_that_nobody_heard_of_is_found_and_taken_in(county: Town) -> None:
    town = county
    known, unheard = PEOPLE[:2]
    pay(town, known, "reconciled")
    wait(lambda: len(town.state(known["id_number"])["payments"]) == 1)
    late = town.shebao("reconcile", MONDAY)
    assert (late.returncode, late.stdout) == (1, "")
    assert late.stderr.splitlines() == [
        "shebao: the gateway's bill is not there yet: it comes about 10:00 of the next day"
    ]

    town.post("/sandbox/alipay/faults", {"method": "notify", "mode": "drop", "times": 100})
    town.post("/sandbox/alipay/faults", {"method": QUERY, "mode": "system_error", "times": 100_000})
    silent, lost = pay(town, unheard, "unheard")
    at(town, "2026-11-24T10:05:00")
    wait(lambda: open_findings(town).get("long") == 1)  # the service has looked by itself
    ran = town.shebao("reconcile", "yesterday")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert ran.stdout.startswith(f"{MONDAY}: 2 payments, 0 refunds, 0 bookings; 1 of 2 matched\n")
    assert re.search(rf"long +{lost} +0\.00 +400\.00 +not asked yet", ran.stdout)

    town.post("/sandbox/alipay/faults", {"clear": True})
    ran = town.shebao("reconcile", MONDAY)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 payments, 0 refunds, 0 bookings; 2 of 2 matched" in ran.stdout
    assert ran.stdout.rstrip().endswith("nothing is open")
    wait(lambda: len(town.state(unheard["id_number"])["payments"]) == 1)
    silent.say("查付款结果")
    assert silent.card("payment_status")["status"] == "paid"
    assert open_findings(town)["long"] == 0
    log = (town.data_dir / "serve.log").read_text()
    assert {"finding", "day_reconciled"} <= set(re.findall(r'"event": ?"(\w+)"', log))
    for who in (known, unheard):
        assert who["id_number"] not in log


def test_given_back_at_the_gateways_console_the_order_goes_and_its_paper_is_void(county: Town) -> None:
    town, who = county, PEOPLE[2]
    at(town, "2026-11-25T10:00:00")
    one, order_no = pay(town, who, "given-back")
    wait(lambda: len(town.state(who["id_number"])["payments"]) == 1)
    at(town, "2026-11-27T10:05:00")
    wait(lambda: len(town.state(who["id_number"])["records"]) == 1)
    one.say("开2027年的缴费记录凭证")
    one.verify()
    one.say("好了")
    paper = one.card("document")
    text = "".join(PdfReader(BytesIO(town.http.get(paper["url"]).content)).pages[0].extract_text().split())
    code = text.partition("查验码：")[2][:16]
    assert judged(town, paper["number"], code) == "genuine"
    town.post("/sandbox/alipay/console", {"out_trade_no": order_no, "refund": "400.00"})
    at(town, "2026-11-28T10:05:00")
    ran = town.shebao("reconcile", "yesterday")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "2026-11-27: 0 payments, 1 refunds, 1 bookings; 1 of 2 matched" in ran.stdout
    assert re.search(
        rf"external_refund +{order_no}/CONSOLE\w+ +0\.00 +400\.00 +bureau must be told", ran.stdout
    )
    assert judged(town, paper["number"], code) == "void"


def test_what_needs_people_is_listed_until_two_of_them_have_decided(
    county: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = county
    dear, part = PEOPLE[3:5]
    at(town, "2026-11-30T10:00:00")
    _, discounted = pay(town, dear, "discounted")
    _, in_part = pay(town, part, "in-part")
    wait(lambda: all(len(town.state(who["id_number"])["payments"]) == 1 for who in (dear, part)))
    town.post("/sandbox/alipay/console", {"out_trade_no": discounted, "discount": "12.34"})
    town.post("/sandbox/alipay/console", {"out_trade_no": in_part, "refund": "100.00"})
    at(town, "2026-12-01T10:05:00")
    ran = town.shebao("reconcile", "2026-11-30")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(r"discount +1 +0 +0", ran.stdout)
    listed = town.shebao("reconcile", "--list")
    assert listed.returncode == 1
    [row] = [line for line in listed.stdout.splitlines() if in_part in line]
    assert re.search(r"external_refund +\S+ +0\.00 +100\.00 +part given back", row)
    decide = ("reconcile", "--accept", row.split()[0], "--reason", "settled_with_resident")
    for name, answer in (("li", "one more person"), ("wang", "is accepted")):
        added = town.shebao("agents", "add", name, "--role", "supervisor")
        monkeypatch.setenv("SHEBAO_AGENT_SECRET", added.stdout.strip().rpartition(" ")[2])
        assert answer in town.shebao(*decide, "--as", name).stdout
    assert in_part not in town.shebao("reconcile", "--list").stdout


def judged(town: Town, number: str, code: str) -> str:
    accept = {"accept": "application/json"}
    answer = town.http.get(f"/verify/{number}", params={"code": code}, headers=accept).json()
    return str(answer["verdict"])


def test_an_old_store_is_repaired_by_reconciling(new_town: Callable[..., Town], tmp_path: Path) -> None:
    """The service is stopped for good after the payment, and its store put back to before it."""
    town = new_town()
    who = PEOPLE[5]
    town.load([who])
    one = town.resident("put-back")
    one.say("交明年的居民医保")
    one.log_in(who["alipay_user_id"])
    one.say("确认支付")
    order_no = one.card("payment_request")["order_no"]
    store = town.data_dir / "shebao.db"
    with sqlite3.connect(store) as source, sqlite3.connect(tmp_path / "old.db") as target:
        source.backup(target)
    one.pay(who["alipay_user_id"])
    wait(lambda: len(town.state(who["id_number"])["payments"]) == 1)
    town.kill()
    for file in town.data_dir.glob("shebao.db*"):
        file.unlink()
    (tmp_path / "old.db").rename(store)
    town.start()
    at(town, "2026-11-24T10:05:00")
    ran = town.shebao("reconcile", MONDAY)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 payments, 0 refunds, 0 bookings; 1 of 1 matched" in ran.stdout
    with sqlite3.connect(store) as look:
        assert look.execute("SELECT state FROM payment_order WHERE order_no = ?", (order_no,)).fetchall() == [
            ("applied",)
        ]
        assert look.execute(
            "SELECT count(*) FROM payment_order_line WHERE payment_no IS NOT NULL"
        ).fetchall() == [(1,)]
        assert look.execute("SELECT sum(amount) FROM journal_posting").fetchall() == [(0,)]
        assert look.execute("SELECT count(*) FROM journal_entry WHERE kind = 'captured'").fetchall() == [(1,)]
