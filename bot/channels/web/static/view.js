// The list of messages: bubbles, cards, times, and where the eye should be.

import { buttonRow, drawCard, topicsOf } from "./cards.js";
import { el, unseen } from "./dom.js";
import { moment, now } from "./format.js";
import { icon } from "./icons.js";
import { safeLink } from "./links.js";
import { Listen } from "./speech.js";

const GAP_MS = 5 * 60 * 1000;
const STATE_WORDS = { waiting: "等网络恢复后自动发出", failed: "没有收到？" };

export class View {
  #log = document.getElementById("log");
  #scroll = document.getElementById("scroll");
  #newer = document.getElementById("newer");
  #typing = document.getElementById("typing");
  #typingWords = document.getElementById("typing-words");
  #announce = document.getElementById("announce");
  #said = new Map(); #topics = new Map(); #failures = new Map(); #clocks = new Set(); #lastTime = 0; #follows = true; #moved = false; #listen = new Listen(); #tools;

  constructor({ say, resend }) {
    this.#tools = { say, resend, everySecond: (update) => this.#clocks.add(update) };
    setInterval(() => { for (const update of this.#clocks) if (!update()) this.#clocks.delete(update); }, 1000);
    for (const event of ["wheel", "touchmove", "keydown"]) {
      this.#scroll.addEventListener(event, () => { this.#moved = true; }, { passive: true });
    }
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener("click", () => this.#readOn());
  }

  /** History after a reload is drawn in silence: a screen reader hears only what is new. */
  silently(on) {
    this.#log.setAttribute("aria-live", on ? "off" : "polite");
    if (!on) requestAnimationFrame(() => this.#toEnd());
  }

  addSaid({ id, text, at, state }) {
    this.#listen.silence();
    this.#addTime(at);
    const note = el("p", { class: "said-state", hidden: true });
    const row = el("article", { class: "row said", "data-state": state }, unseen("您说："), el("div", { class: "bubble" }, text), note);
    this.#said.set(id, row);
    this.#log.append(row);
    this.#toEnd();
  }

  mark(id, state) {
    const row = this.#said.get(id);
    if (!row || row.dataset.state === state) return;
    row.dataset.state = state;
    if (state === "sending" || state === "done") {
      this.#failures.get(id)?.remove();
      this.#failures.delete(id);
    }
    const note = row.querySelector(".said-state"), words = STATE_WORDS[state];
    note.replaceChildren();
    note.hidden = !words || this.#failures.has(id);
    if (note.hidden) return;
    this.#announce.textContent = words;
    note.append(icon(state === "failed" ? "warn" : "clock"), words);
    if (state === "failed") note.append(this.#resendButton(id));
  }

  addAnswer(data, live) {
    this.#addTime(data.at);
    const card = data.custom && typeof data.custom === "object" ? data.custom : null;
    const drawn = card ? this.#draw(card, data) : null;
    const row = el("article", { class: "row answer" }, unseen("助手说："),
      data.text ? el("div", { class: "bubble" }, String(data.text)) : null,
      this.#image(data.image), drawn, drawn ? null : buttonRow(data.buttons || [], this.#tools));
    this.#replace(card, row);
    if (data.resend) this.#failed(data.resend, row);
    this.#listen.follow(row, data.text, data.reply_to || data.id);
    this.#log.append(row);
    if (live) this.#follow(row, this.#said.get(data.reply_to));
  }

  typing({ on, slow }) {
    this.#typing.hidden = !on;
    this.#typingWords.textContent = slow ? "还在办，请再等一会儿，不用重复发" : "正在办理，请稍等";
    if (slow && on) this.#announce.textContent = this.#typingWords.textContent;
    if (on && this.#follows) this.#toEnd();
  }

  clear() {
    this.#listen.silence();
    this.#log.replaceChildren();
    for (const memory of [this.#said, this.#topics, this.#failures, this.#clocks]) memory.clear();
    this.#lastTime = 0;
    this.#newer.hidden = true;
    this.#scroll.scrollTop = 0;
  }

  #resendButton(id) {
    return el("button", { type: "button", class: "resend", on: { click: () => this.#tools.resend(id) } }, "再发一次");
  }

  #failed(id, row) {
    this.#failures.get(id)?.remove();
    this.#failures.set(id, row);
    const note = this.#said.get(id)?.querySelector(".said-state");
    if (note) note.hidden = true;
  }

  // A card that cannot be drawn must not swallow the sentence that came with it.
  #draw(card, data) {
    try {
      return drawCard(card, data, this.#tools);
    } catch (problem) {
      console.error("card not drawn", card.kind, problem);
      return null;
    }
  }

  #image(address) {
    const src = safeLink(address);
    return src ? el("img", { class: "picture", src, alt: "助手发来的图片" }) : null;
  }

  // A newer card on the same matter: the older one stays to be read, its buttons say where to go.
  #replace(card, row) {
    const [topic, ...others] = card ? topicsOf(card) : [];
    for (const name of [topic, ...others].filter((name) => this.#topics.has(name))) {
      retire(this.#topics.get(name));
      this.#topics.delete(name);
    }
    if (topic) this.#topics.set(topic, row);
  }

  #addTime(at) {
    const time = at ? Date.parse(at) : now();
    if (time - this.#lastTime > GAP_MS || time < this.#lastTime - GAP_MS) {
      const iso = new Date(time).toISOString();
      this.#log.append(el("p", { class: "time" }, el("time", { datetime: iso }, moment(iso))));
    }
    this.#lastTime = time;
  }

  // Read from the top: the end is shown, but never past the resident's own words or the first line of a push.
  #follow(row, question) {
    requestAnimationFrame(() => {
      const first = question || row;
      const room = this.#scroll.clientHeight;
      const end = this.#scroll.scrollHeight - room;
      const top = first.offsetTop - 12;
      if (this.#follows) this.#glide(Math.min(end, top));
      this.#newer.hidden = this.#follows && end <= top + 24;
    });
  }

  // Somebody who reads further up is left there; smooth scrolling of our own does not count.
  #scrolled() {
    const atEnd = this.#scroll.scrollHeight - this.#scroll.clientHeight - this.#scroll.scrollTop < 80;
    if (this.#moved) this.#follows = atEnd;
    if (atEnd) this.#newer.hidden = true;
  }

  // One screen further; from far away to the end at once.
  #readOn() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    const below = scrollHeight - clientHeight - scrollTop;
    this.#scroll.focus({ preventScroll: true });
    if (below < clientHeight || below > 3 * clientHeight) this.#toEnd();
    else this.#glide(scrollTop + clientHeight * 0.8);
  }

  #toEnd() {
    this.#follows = true;
    this.#moved = false;
    this.#glide(this.#scroll.scrollHeight);
    this.#newer.hidden = true;
  }

  #glide(top) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#scroll.scrollTo({ top, behavior: calm ? "auto" : "smooth" });
  }
}

function retire(row) {
  row.querySelector(".scan")?.remove();
  for (const control of row.querySelectorAll("[data-tap], .link")) {
    control.setAttribute("aria-disabled", "true");
    control.removeAttribute("href");
  }
  row.append(el("p", { class: "replaced" }, "这个已经过去了，请看最下面。"));
}
