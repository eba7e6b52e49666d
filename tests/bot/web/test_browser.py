"""The web chat in a real browser: taps, keys, cards, reloads, lost connections, hostile input."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from tests.bot.web.conftest import Site, serving
from tests.conftest import FixedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run",
    "--disable-component-update",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
EVERY_CARD = (
    *("菜单", "经办", "档次", "/inform", "/affirm", "/check_payment_status", "付成功", "入账了"),
    *("关闭了", "退款中", "退款好", "/pay_insurance", "/deny", "记录", "/get_certificate"),
    *("/request_human", "忙", "不认识", "坏链接", "三句"),
)
PROBES = Path(__file__).with_name("probes.js").read_text(encoding="utf-8")
WATCH_LOG = """addEventListener("DOMContentLoaded", () => {
  window.lives = [];
  const log = document.getElementById("log"), append = log.append;
  log.append = function (...nodes) { lives.push(log.getAttribute("aria-live")); append.apply(log, nodes); };
})"""
VOICES = """() => {
  window.spoken = [];
  const far = { name: "云", lang: "zh-CN", localService: false };
  const voices = [far, { name: "本机", lang: "zh-CN", localService: true }];
  speechSynthesis.getVoices = () => voices;
  window.SpeechSynthesisUtterance = function (text) { this.text = text; };
  speechSynthesis.speak = (said) => {
    spoken.push([said.text, said.voice.name]);
    Object.defineProperty(speechSynthesis, "speaking", { value: true });
  };
}"""
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{7*7}}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with serving(FixedClock(), rate=(1000, timedelta(seconds=10))) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """The page on a phone, online. A console error or a policy violation fails the test."""
    async with opened(browser, site, viewport=PHONE, has_touch=True, is_mobile=True) as phone:
        yield phone


class opened:
    def __init__(
        self, browser: Browser, site: Site, *, expected: str = "", clock: bool = False, **options: Any
    ) -> None:
        self.browser, self.site, self.options, self.expected = browser, site, options, expected
        self.clock, self.errors = clock, list[str]()

    async def __aenter__(self) -> Page:
        self.context = await self.browser.new_context(locale="zh-CN", reduced_motion="reduce", **self.options)
        page = await self.context.new_page()
        if self.clock:
            await page.clock.install()
        page.on("console", self._keep)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        await page.goto(self.site.base)
        await online(page)
        return page

    async def __aexit__(self, failed: object, *_: object) -> None:
        await self.context.close()
        if failed is None:
            assert self.errors == []

    def _keep(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not (self.expected and self.expected in message.text):
            self.errors.append(message.text)


AT_REST = """() => new Promise((rested) => {
  const list = document.getElementById("scroll");
  let top = -1, calm = 0;
  const look = () => {
    calm = list.scrollTop === top ? calm + 1 : 0;
    top = list.scrollTop;
    if (calm > 12) rested(); else requestAnimationFrame(look);
  };
  look();
})"""
"""Until the list no longer moves under the finger: for a dozen frames, however long they take."""


async def online(page: Page) -> None:
    await expect(page.locator("#state")).to_have_attribute("data-state", "online")


async def say(page: Page, text: str) -> None:
    answers = await page.locator(".answer").count()
    await page.fill("#message", text)
    await page.press("#message", "Enter")
    await expect(page.locator(".answer").nth(answers)).to_be_attached()
    await page.evaluate(AT_REST)


async def probe(page: Page, name: str) -> list[Any]:
    """The faults that one of the measures in `probes.js` finds."""
    return await page.evaluate(f"{PROBES}.{name}()")


async def texts(page: Page) -> list[str]:
    return await page.locator(".bubble").all_inner_texts()


async def test_a_sentence_is_sent_by_the_button_and_answered(page: Page, site: Site) -> None:
    await page.fill("#message", "  帮我交居民医保 ")
    await page.tap("#send")
    await expect(page.locator(".answer .bubble")).to_have_text("听到了：帮我交居民医保")
    await expect(page.locator("#message")).to_have_value("")
    assert site.script.heard[0].message_id


async def test_an_empty_message_is_not_sent(page: Page, site: Site) -> None:
    await page.fill("#message", "   ")
    await page.tap("#send")
    await page.wait_for_timeout(100)
    assert site.script.heard == []


async def test_enter_in_an_input_method_picks_a_word_and_sends_nothing(page: Page, site: Site) -> None:
    await page.fill("#message", "yibao")
    await page.evaluate(
        """document.getElementById('message').dispatchEvent(
             new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"""
    )
    await page.wait_for_timeout(100)
    assert site.script.heard == []


async def test_tapping_an_option_sends_its_payload_and_shows_its_title(page: Page, site: Site) -> None:
    await say(page, "经办")
    await page.tap("text=贵阳市南明区社保局")
    await expect(page.locator(".said .bubble").last).to_have_text("贵阳市南明区社保局")
    await expect(page.locator(".card-confirmation")).to_be_visible()
    assert site.script.heard[-1].text == '/inform{"agency": "520102"}'
    await expect(page.locator(".choice-option.chosen")).to_contain_text("贵阳市南明区社保局")


async def test_a_double_tap_is_one_message(page: Page, site: Site) -> None:
    await say(page, "/inform")
    button = page.get_by_role("button", name="确认支付").last
    await button.scroll_into_view_if_needed()
    await page.evaluate(AT_REST)
    await button.dblclick()
    await expect(page.locator(".card-request")).to_have_count(1)
    await page.wait_for_timeout(150)
    assert [message.text for message in site.script.heard].count('/affirm{"draft_id": "D1"}') == 1


async def test_a_payment_is_done_with_taps_from_the_first_button_to_the_certificate(
    page: Page, site: Site
) -> None:
    await page.tap("text=缴居民医保")
    link = page.locator("a", has_text="去授权")
    await expect(link).to_have_attribute("href", f"{site.base}/sandbox/consent")
    await expect(link).to_have_attribute("target", "_blank")
    await say(page, "经办")
    await page.tap("text=贵阳市云岩区社保局")
    card = page.locator(".card-confirmation")
    await expect(card.locator("dt")).to_have_text(["付款人", "参保人", "险种", "经办机构", "缴费年度"])
    await expect(card.locator(".sum-value")).to_have_text("400.00 元")
    await card.locator("text=确认支付").tap()
    pay = page.locator("a", has_text="去支付宝付款")
    await expect(pay).to_have_attribute("href", f"{site.base}/sandbox/alipay/cashier?o=1")
    await expect(page.locator(".until").last).to_contain_text("还剩 15分00秒，10:15 前有效")
    await page.tap("text=我付好了")
    await expect(page.locator(".status-word")).to_have_text("还没有收到付款")
    await page.get_by_role("button", name="刷新").tap()
    await expect(page.locator(".card-status")).to_have_count(2)
    await site.channel.push(site.script.heard[0].sender, site.script.cards()["付成功"])
    await expect(page.locator(".steps li.done")).to_have_text(["已付款，完成10:00"])
    await expect(page.locator(".steps li.todo").last).to_contain_text("最晚11月26日")
    assert await pay.get_attribute("href") is None, "a paid bill cannot be paid again from the old card"


async def test_the_countdown_ends_at_the_expiry_by_the_services_clock(page: Page, site: Site) -> None:
    await say(page, "/affirm")
    site.clock.advance(minutes=15, seconds=1)
    await site.channel.push(site.script.heard[0].sender, [{"text": "叮"}])
    await expect(page.locator(".card-request")).to_contain_text("已经过时，请不要再付")
    await expect(page.locator(".card-request a")).to_have_count(0)


async def test_every_card_fits_the_phone_and_the_desk(browser: Browser, site: Site) -> None:
    for viewport in (PHONE, DESK):
        async with opened(browser, site, viewport=viewport) as page:
            for size in range(3):
                for word in EVERY_CARD if size == 0 else ():
                    await say(page, word)
                assert await probe(page, "wide") == [], f"{viewport} size {size}"
                await page.click("#size")


async def test_an_unknown_card_is_its_text_and_a_foreign_link_is_stopped(page: Page) -> None:
    await say(page, "不认识")
    assert (await texts(page))[-1] == "这张卡片还没有样子。"
    await say(page, "坏链接")
    await expect(page.locator("text=这个链接不是本服务的")).to_have_count(2)
    assert await page.locator("#log a").count() == 0


async def test_the_qr_code_is_open_on_a_desk_and_behind_a_line_on_a_phone(
    browser: Browser, page: Page, site: Site
) -> None:
    await say(page, "/affirm")
    await expect(page.locator(".qr")).to_be_hidden()
    await page.tap("text=用另一部手机扫码付")
    await expect(page.locator(".qr")).to_be_visible()
    async with opened(browser, site, viewport=DESK) as desk:
        await say(desk, "/affirm")
        await expect(desk.locator(".qr")).to_be_visible()


async def test_a_reload_shows_the_running_conversation_again_in_order_and_once(
    page: Page, site: Site
) -> None:
    for word in ("经办", "我的号码是520103199003070009", "三句"):
        await say(page, word)
    await expect(page.locator(".answer")).to_have_count(5)
    before = await texts(page)
    await page.reload()
    await online(page)
    after = await texts(page)
    assert after[0] == "经办"
    assert after[2] == "我的号码是••••••••09", "a long number is not shown again"
    assert [t for n, t in enumerate(after) if n != 2] == [t for n, t in enumerate(before) if n != 2]
    await page.tap("text=贵阳市云岩区社保局")
    await expect(page.locator(".card-confirmation")).to_be_visible()
    assert await page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


async def test_a_long_answer_is_read_from_its_top_and_paged_to_its_end(page: Page) -> None:
    await say(page, "档次")
    await expect(page.locator("text=您上次选的是80%")).to_be_in_viewport()
    await page.get_by_role("button", name="看全部 25 项").tap()
    assert await page.locator(".choice-option").nth(6).evaluate("(node) => node === document.activeElement")
    await say(page, "/inform")
    await expect(page.locator("text=请您核对：")).to_be_in_viewport()
    await expect(page.locator("text=确认支付").last).not_to_be_in_viewport()
    await page.tap("#newer")
    await expect(page.locator("text=取消").last).to_be_in_viewport(ratio=1)
    await expect(page.locator("#newer")).to_be_hidden()


async def test_two_tabs_show_the_same_conversation(page: Page, site: Site) -> None:
    other = await page.context.new_page()
    await other.goto(site.base)
    await online(other)
    await say(page, "你好")
    await expect(other.locator(".bubble")).to_have_text(["你好", "听到了：你好"])


async def test_after_the_server_drops_the_connection_everything_said_arrives_once(
    page: Page, site: Site
) -> None:
    await say(page, "一")
    await site.channel._socket._open_server.disconnect(next(iter(site.channel._socket._members)))
    await page.fill("#message", "二")
    await page.press("#message", "Enter")
    await expect(page.locator(".answer .bubble")).to_have_text(["听到了：一", "听到了：二"])
    await online(page)
    assert [message.text for message in site.script.heard] == ["一", "二"]


async def test_a_restarted_server_goes_on_with_the_same_conversation(browser: Browser) -> None:
    clock = FixedClock()
    async with serving(clock) as first:
        port = int(first.base.rsplit(":", 1)[1])
        waiting = opened(browser, first, viewport=PHONE, expected="ERR_CONNECTION_REFUSED")
        page = await waiting.__aenter__()
        await say(page, "一")
        sender = first.script.heard[0].sender
    await expect(page.locator("#state")).to_have_attribute("data-state", "offline")
    await page.fill("#message", "二")
    await page.press("#message", "Enter")
    async with serving(clock, port=port) as second:
        await expect(page.locator(".answer .bubble")).to_have_text(
            ["听到了：一", "听到了：二"], timeout=15000
        )
        assert [(message.sender, message.text) for message in second.script.heard] == [(sender, "二")]
        await waiting.context.close()


async def test_an_answer_given_while_away_is_there_on_return(page: Page, site: Site) -> None:
    site.script.gate = asyncio.Event()
    await page.fill("#message", "三句")
    await page.press("#message", "Enter")
    await expect(page.locator("#typing")).to_be_visible()
    await page.reload()
    await online(page)
    await expect(page.locator(".said .bubble")).to_have_text(["三句"])
    await expect(page.locator("#typing")).to_be_visible()
    site.script.gate.set()
    await expect(page.locator(".answer .bubble")).to_have_text(["第一句", "第二句", "第三句"])
    await expect(page.locator("#typing")).to_be_hidden()


@pytest.mark.parametrize("reload", [False, True])
async def test_a_failed_message_is_sent_again_with_one_tap(page: Page, site: Site, reload: bool) -> None:
    site.script.fail_next()
    await say(page, "你好")
    if reload:
        await page.reload()
        await online(page)
    card = page.locator(".card-error")
    await expect(card).to_contain_text("没有收到？")
    await expect(page.locator(".said")).to_have_attribute("data-state", "failed")
    await card.get_by_role("button", name="再发一次").tap()
    await expect(page.locator(".bubble").last).to_have_text("听到了：你好")
    await expect(card).to_have_count(0)
    await expect(page.locator(".said")).to_have_attribute("data-state", "done")
    assert len({message.message_id for message in site.script.heard}) == 1


async def test_hostile_text_is_only_text(page: Page, site: Site) -> None:
    await say(page, HOSTILE)
    lines = [{"label": HOSTILE, "value": HOSTILE}]
    option = {"title": HOSTILE, "payload": HOSTILE, "note": HOSTILE, "value": HOSTILE}
    document = {
        "title": HOSTILE,
        "number": HOSTILE,
        "url": "javascript:window.hacked=1",
        "preview_url": "data:text/html,x",
    }
    await site.channel.push(
        site.script.heard[0].sender,
        [
            {"text": HOSTILE, "image": "javascript:1", "buttons": [{"title": HOSTILE, "payload": HOSTILE}]},
            {"text": HOSTILE, "custom": {"kind": "choice", "slot": HOSTILE, "options": [option]}},
            {"text": "a", "custom": {"kind": "payment_confirmation", "lines": lines, "total": HOSTILE}},
            {"text": "b", "custom": {"kind": "document", "expires_at": "x", **document}},
            {"text": "c", "custom": {"kind": "constructor"}},
            {
                "text": "d",
                "custom": {
                    "kind": "payment_status",
                    "status": "constructor",
                    "total": "1.00",
                    "order_no": HOSTILE,
                },
            },
            {"text": "e", "custom": "kind"},
            {
                "text": "f",
                "custom": {
                    "kind": "records",
                    "items": [{"title": HOSTILE, "lines": lines, "action": option}],
                },
            },
        ],
    )
    await expect(page.locator(".bubble").last).to_have_text("f")
    await page.reload()
    await online(page)
    await expect(page.locator(".bubble").last).to_have_text("f")
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("#log script, #log img").count() == 0
    assert (await texts(page))[0] == HOSTILE


async def test_everything_is_done_with_keys_alone(browser: Browser, site: Site) -> None:
    async with opened(browser, site, viewport=DESK) as page:
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        await page.keyboard.type("经办")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.press("Backspace")
        await page.keyboard.press("Enter")
        await expect(page.locator(".choice-option")).to_have_count(2)
        for _ in range(40):
            await page.keyboard.press("Shift+Tab")
            focused = await page.evaluate("document.activeElement.innerText")
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or await page.evaluate("document.activeElement.id") == "message"
            if "贵阳市云岩区" in focused and "option" in await page.evaluate(
                "document.activeElement.className"
            ):
                break
        await page.keyboard.press("Space")
        await expect(page.locator(".card-confirmation")).to_be_visible()
        assert "option" in await page.evaluate("document.activeElement.className"), "focus stays where it was"
        await page.focus("#leave")
        await page.keyboard.press("Enter")
        await expect(page.locator("#ask-leave")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#ask-leave")).to_be_hidden()
        assert await page.evaluate("document.activeElement.id") == "leave"


async def test_screen_readers_are_told_of_answers_and_not_of_history(page: Page) -> None:
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    await page.add_init_script(WATCH_LOG)
    await say(page, "三句")
    names = await page.locator("#log > article").all_inner_texts()
    assert [name.split("：")[0] for name in names] == ["您说", "助手说", "助手说", "助手说"]
    await page.reload()
    await online(page)
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    assert set(await page.evaluate("lives")) == {"off"}
    await say(page, "你好")
    assert (await page.evaluate("lives"))[-1] == "polite"


async def test_controls_have_names_and_are_big_enough_for_a_thumb(page: Page) -> None:
    for word in EVERY_CARD:
        await say(page, word)
    for fault in ("small", "nameless", "doubledIds"):
        assert await probe(page, fault) == [], fault
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"
    assert await page.locator("h1").count() == 1
    assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 18


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_its_ground(browser: Browser, site: Site, scheme: str) -> None:
    async with opened(browser, site, viewport=PHONE, color_scheme=scheme) as page:
        for word in EVERY_CARD:
            await say(page, word)
        site.script.fail_next()
        await say(page, "你好")
        assert await probe(page, "poorContrast") == []


async def test_an_answer_is_read_aloud_by_a_voice_of_the_device_only(page: Page) -> None:
    await say(page, "三句")
    await expect(page.locator(".listen")).to_be_hidden()
    await page.evaluate(VOICES)
    await say(page, "三句")
    listen = page.get_by_role("button", name="读给我听")
    await expect(listen).to_have_count(1)
    await listen.tap()
    assert await page.evaluate("spoken") == [["第一句。第二句。第三句", "本机"]]
    await page.get_by_role("button", name="停下").tap()
    await expect(listen).to_be_visible()


async def test_the_type_size_is_chosen_and_remembered(page: Page) -> None:
    await page.tap("#size")
    assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 22
    await page.reload()
    await online(page)
    assert await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 22
    await expect(page.locator("#size")).to_have_attribute("aria-label", "文字大小：大，点一下换成特大")


async def test_the_composer_stays_in_sight_above_a_keyboard(page: Page) -> None:
    await say(page, "三句")
    await page.tap("#message")
    await page.set_viewport_size({"width": 360, "height": 380})
    await expect(page.locator("#message")).to_be_in_viewport(ratio=1)
    await expect(page.locator("#send")).to_be_in_viewport(ratio=1)
    await expect(page.locator(".shortcuts")).to_be_hidden()


async def test_leaving_empties_the_page_and_begins_anew(page: Page, site: Site) -> None:
    await say(page, "我的事")
    await page.tap("#leave")
    await page.locator("#leave-now").tap()
    await expect(page.locator("#ended")).to_contain_text("已经退出")
    assert await texts(page) == []
    await page.tap("#again")
    await online(page)
    await say(page, "你好")
    assert site.script.heard[0].sender != site.script.heard[1].sender
    await page.reload()
    await online(page)
    assert await texts(page) == ["你好", "听到了：你好"]


async def test_an_idle_session_is_cleared_at_the_next_word(page: Page, site: Site) -> None:
    await say(page, "我的事")
    site.clock.advance(minutes=16)
    await page.fill("#message", "还在吗")
    await page.press("#message", "Enter")
    await expect(page.locator("#ended")).to_contain_text("离开了一会儿")
    assert await texts(page) == []
    await page.tap("#again")
    await online(page)
    await say(page, "重新来")
    assert [message.text for message in site.script.heard] == ["我的事", "重新来"]


async def test_a_screen_left_alone_is_cleared_by_the_page_itself(browser: Browser, site: Site) -> None:
    async with opened(browser, site, viewport=PHONE, clock=True) as page:
        await say(page, "我的事")
        await page.clock.fast_forward("16:00")
        await expect(page.locator("#ended")).to_contain_text("离开了一会儿")
        assert await texts(page) == []


async def test_without_scripts_the_page_says_what_to_do(browser: Browser, site: Site) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    await page.goto(site.base)
    await expect(page.locator(".no-script")).to_contain_text("12366")
    await context.close()
