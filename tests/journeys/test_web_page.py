"""A whole payment in a real browser on a phone: consent, verification and result come back by themselves."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.driver import Town
from tests.journeys.people import who

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run",
    "--disable-component-update",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


def picture(page: Page, name: str) -> None:
    """Kept for the README when SHEBAO_PICTURES names a folder."""
    folder = os.environ.get("SHEBAO_PICTURES")
    if folder:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_premium_is_paid_on_a_phone(town: Town, browser: Browser) -> None:
    me = who("pays_on_a_phone")
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN", device_scale_factor=2
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(town.url)
    expect(page.get_by_text("您好，要办社保的什么事？")).to_be_visible()
    picture(page, "1-welcome")

    page.get_by_label("请写下您要办的事").fill("帮我交明年的居民医保")
    page.get_by_role("button", name="发送").click()
    with context.expect_page() as opened:
        page.get_by_role("link", name="授权").first.click()
    picture(page, "2-consent")
    consent = opened.value
    consent.get_by_label("账号").or_(consent.locator("select[name=account]")).first.select_option(
        me["alipay_user_id"]
    )
    picture(consent, "3-consent-page")
    consent.get_by_role("button", name="同意").click()
    expect(consent.get_by_text("回到").first).to_be_visible()
    picture(consent, "4-returned")
    consent.close()

    verification = page.get_by_role("link", name="核验").first
    expect(verification).to_be_visible(timeout=30_000)
    picture(page, "5-verification")
    with context.expect_page() as opened:
        verification.click()
    check = opened.value
    picture(check, "6-verification-page")
    check.get_by_role("button", name="通过", exact=True).click()
    expect(check.get_by_text("回到").first).to_be_visible()
    check.close()

    confirm = page.get_by_role("button", name="确认支付")
    expect(confirm).to_be_visible(timeout=30_000)
    picture(page, "7-review")
    confirm.click()
    pay = page.get_by_role("link", name="支付").first
    expect(pay).to_be_visible(timeout=30_000)
    picture(page, "8-request")
    with context.expect_page() as opened:
        pay.click()
    cashier = opened.value
    cashier.locator("select[name=account]").select_option(me["alipay_user_id"])
    cashier.locator("input[name=password]").fill("123456")
    picture(cashier, "9-cashier")
    cashier.get_by_role("button", name="确认付款").click()
    cashier.wait_for_load_state()
    picture(cashier, "10-paid")
    cashier.close()

    expect(page.get_by_text("已付款").first).to_be_visible(timeout=30_000)
    picture(page, "11-result")

    page.get_by_label("请写下您要办的事").fill("开一份2026年的缴费凭证")
    page.get_by_role("button", name="发送").click()
    paper = page.locator('a[href*="/documents/"]').first
    expect(paper).to_be_visible(timeout=30_000)
    picture(page, "12-paper")
    link = paper.get_attribute("href")
    assert link is not None
    assert httpx.get(link).status_code == 404  # forwarded to somebody else
    assert context.request.get(link).body().startswith(b"%PDF")
    assert errors == []
    context.close()
