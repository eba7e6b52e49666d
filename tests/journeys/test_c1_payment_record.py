"""C1 缴费记录凭证: had, too early, and links that are not one's own."""

import hashlib
from io import BytesIO

from pypdf import PdfReader

from tests.journeys.driver import Town
from tests.journeys.people import who


def test_the_payment_record_of_a_paid_year(town: Town) -> None:
    me = who("wants_a_record")
    resident = town.resident("c1")
    resident.say("我要2026年的缴费记录凭证")
    resident.log_in(me["alipay_user_id"])
    paper = resident.card("document")
    pdf = town.http.get(paper["url"])
    assert pdf.headers["content-type"] == "application/pdf"
    assert hashlib.sha256(pdf.content).hexdigest() == paper["sha256"]
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.content)).pages)
    assert me["name"] in text.replace(" ", "")
    assert "400.00" in text
    preview = town.http.get(paper["preview_url"])
    assert preview.content.startswith(b"\x89PNG")
    resident.say("再给我一张2026年的缴费记录凭证")
    again = resident.card("document")
    assert (again["number"], again["sha256"]) == (paper["number"], paper["sha256"])
    resident.write_transcript("c1")


def test_too_early_says_from_which_day_on(town: Town) -> None:
    me = who("is_too_early")
    resident = town.resident("c1-early")
    resident.say("交明年的居民医保")
    resident.log_in(me["alipay_user_id"])
    resident.say("确认支付")
    resident.pay(me["alipay_user_id"])
    resident.say("好了")
    assert resident.card("payment_status")["records_available_on"] == "2026-11-26"
    resident.say("开2027年的缴费记录凭证")
    if resident.has("identity_verification"):
        resident.verify()
        resident.say("好了")
    assert not resident.has("document")
    assert "11月26日" in resident.text
    resident.write_transcript("c1-too-early")


def test_links_that_are_not_ones_own_tell_nothing(town: Town) -> None:
    guessed = town.http.get("/documents/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert guessed.status_code == 404
    me = who("wants_a_record")
    resident = town.resident("c1-foreign")
    resident.say("我要2026年的缴费记录凭证")
    resident.log_in(me["alipay_user_id"])
    url = resident.card("document")["url"]
    altered = url[:-1] + ("A" if url[-1] != "A" else "B")
    assert town.http.get(altered).status_code == 404
    assert town.http.get(altered).text == guessed.text
    for _ in range(3):
        assert town.http.get(url).status_code == 200
    assert town.http.get(url).status_code == 404


def test_who_has_paid_nothing_is_told_so(town: Town) -> None:
    resident = town.resident("c1-nothing")
    resident.say("开2025年的缴费记录凭证")
    resident.log_in(who("refuses")["alipay_user_id"])
    assert not resident.has("document")
    assert "没有查到" in resident.text
