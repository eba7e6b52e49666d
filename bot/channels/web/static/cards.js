// One function per card kind: a card in, an element out. An unknown kind draws nothing: its text stands above.

import { el, svg, unseen } from "./dom.js";
import { amount, day, moment, secondsLeft, span } from "./format.js";
import { icon } from "./icons.js";
import { safeLink } from "./links.js";

const MANY = 6;
const PROVIDERS = { alipay: "去支付宝付款", wechat: "去微信付款" };
const REFRESH = { title: "刷新", payload: "/check_payment_status" };

const DRAW = {
  menu, choice, records, document: paper, handoff, error,
  authorization_request: (card, tools) => errand(card, tools, "需要您同意", "去授权", "只用来确认您本人，不同意也可以自己输入。"),
  identity_verification: (card, tools) => errand(card, tools, "核验身份", "去核验身份", "只核验是不是您本人，不会扣钱。"),
  payment_confirmation: confirmation,
  payment_request: request,
  payment_status: status,
};

/** `tools`: {say(payload, title), resend(id), everySecond(update)}. Null for a kind that this page does not know. */
export function drawCard(card, message, tools) {
  const draw = pick(DRAW, card.kind);
  return draw && draw(card, { ...tools, buttons: message.buttons || [], failed: message.resend });
}

/** The matter of a card, and other matters that it settles: older cards on them stop working. */
export function topicsOf(card) {
  const settled = card.kind === "payment_status" && card.status !== "pending";
  return pick({
    choice: [`choice:${card.slot}`],
    payment_confirmation: ["confirmation"],
    payment_request: ["request", "confirmation", "status"],
    payment_status: settled ? ["status", "request"] : ["status"],
    authorization_request: ["identity"],
    identity_verification: ["identity"],
  }, card.kind, []);
}

function pick(table, key, fallback = null) {
  return Object.prototype.hasOwnProperty.call(table, key) ? table[key] : fallback;
}

export function buttonRow(buttons, { say }) {
  return row(buttons.map((button, place) => tap(button, say, place === 0 ? "button strong" : "button")));
}

// Beside a link that is the main thing, no button is.
function otherRow(buttons, { say }) {
  return row(buttons.map((button) => tap(button, say, "button")));
}

function row(buttons) {
  return buttons.length ? el("div", { class: "buttons", role: "group", "aria-label": "可以点的回答" }, buttons) : null;
}

function tap({ title, payload }, say, className, ...content) {
  const button = el("button", { type: "button", class: className, "data-tap": true }, ...(content.length ? content : [title]));
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true" && say(payload, title)) markChosen(button);
  });
  return button;
}

function markChosen(button) {
  const group = button.closest("[role=group], ul, ol, .card") || button.parentElement;
  for (const other of group.querySelectorAll(".chosen")) {
    other.classList.remove("chosen");
    other.querySelector(".chosen-mark")?.remove();
  }
  button.classList.add("chosen");
  button.append(el("span", { class: "chosen-mark" }, icon("check"), unseen("，已选")));
}

function frame(kind, heading, ...content) {
  return el("section", { class: `card card-${kind}`, "aria-label": heading }, ...content);
}

function head(name, words) {
  return el("p", { class: "card-head" }, icon(name), words);
}

function factList(lines) {
  return el("dl", { class: "facts" }, (lines || []).map(({ label, value }) =>
    el("div", {}, el("dt", {}, String(label)), el("dd", {}, String(value)))));
}

function sum(label, total) {
  return el("p", { class: "sum" }, el("span", { class: "sum-label" }, label),
    el("span", { class: "sum-value" }, el("b", {}, amount(total)), " 元"));
}

function outLink(address, words, name, className = "button strong link") {
  const href = safeLink(address);
  if (!href) return el("p", { class: "note bad" }, icon("warn"), "这个链接不是本服务的，已经拦下，请不要打开。");
  return el("a", { class: className, href, target: "_blank", rel: "noopener noreferrer" },
    icon(name), words, unseen("（在新页面打开）"));
}

function untilNote(iso, tools, words, onEnd) {
  const line = el("p", { class: "note until", role: "timer", "aria-live": "off" }, icon("clock"), el("span"));
  const update = () => {
    const left = secondsLeft(iso);
    if (left === null) return false;
    line.lastElementChild.textContent = left ? words(left) : "";
    if (!left) onEnd(line);
    return left > 0;
  };
  if (update()) tools.everySecond(update);
  return line;
}

// --- menu, choice, records ---

function menu(card, tools) {
  return frame("menu", "可以办的事", el("ul", { class: "grid" }, (card.items || []).map((item) =>
    el("li", {}, tap(item, tools.say, "button option")))), buttonRow(tools.buttons, tools));
}

function choice(card, tools) {
  const rows = (card.options || []).map((option, place) => el("li", { hidden: place >= MANY },
    tap(option, tools.say, "option choice-option", el("span", { class: "number", "aria-hidden": "true" }, String(place + 1)),
      el("span", { class: "option-words" }, el("span", { class: "option-title" }, option.title),
        option.note ? el("span", { class: "option-note" }, unseen("，"), option.note) : null))));
  const list = el("ol", { class: rows.length > MANY ? "options many" : "options" }, rows);
  return frame("choice", "请选一项", list, rows.length > MANY ? moreButton(rows) : null,
    otherRow(tools.buttons, tools));
}

function moreButton(rows) {
  const button = el("button", { type: "button", class: "button more" }, `看全部 ${rows.length} 项`);
  button.addEventListener("click", () => {
    for (const row of rows) row.hidden = false;
    rows[MANY].querySelector("button").focus();
    button.remove();
  });
  return button;
}

function records(card, tools) {
  const items = (card.items || []).map((item) => el("li", { class: "record" }, el("h3", {}, item.title),
    factList(item.lines), item.action ? tap(item.action, tools.say, "button") : null));
  const next = card.next ? tap({ title: "看下一页", payload: card.next }, tools.say, "button more") : null;
  return frame("records", "查到的记录", head("paper", `查到 ${items.length} 条`), el("ul", { class: "record-list" }, items),
    next, buttonRow(tools.buttons, tools));
}

// --- identity ---

function errand(card, tools, heading, words, promise) {
  const link = outLink(card.url, words, "open");
  const until = untilNote(card.expires_at, tools, (left) => `${moment(card.expires_at)} 前办好，还剩${span(left)}`, (line) => {
    link.replaceWith(el("p", { class: "note bad" }, icon("clock"), "这个链接已经过时了。"));
    line.replaceWith(tap({ title: "换一个新链接", payload: "/login" }, tools.say, "button"));
  });
  return frame("errand", heading, head("id", heading), el("p", { class: "note" }, promise), link,
    safeLink(card.url) ? until : null, otherRow(tools.buttons, tools));
}

// --- payment ---

function confirmation(card, tools) {
  const lines = (card.lines || []).filter((line) => !isTotal(line, card.total));
  return frame("confirmation", "缴费确认", head("check", "请您核对"), factList(lines), sum("一共要缴", card.total),
    buttonRow(tools.buttons, tools));
}

function isTotal({ label, value }, total) {
  return /合计|总/.test(label) && Number(String(value).replace(/[^\d.]/g, "")) === Number(total);
}

function request(card, tools) {
  const link = outLink(card.cashier_url, pick(PROVIDERS, card.provider, "去支付"), "wallet", "button strong link pay");
  const code = card.qr ? scanner(card.qr) : null;
  const until = untilNote(card.expires_at, tools, (left) => `还剩 ${span(left)}，${moment(card.expires_at)} 前有效`, (line) => {
    link.replaceWith(el("p", { class: "note bad" }, icon("clock"), "这张付款单已经过时，请不要再付。"));
    code?.remove();
    line.remove();
  });
  return frame("request", "付款", head("wallet", "等您付款"), sum("要付", card.total), link, until, code,
    el("p", { class: "note small" }, `单号 ${card.order_no}`), otherRow(tools.buttons, tools));
}

function scanner({ size, path }) {
  const picture = svg("svg", { viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": "付款二维码", "shape-rendering": "crispEdges" },
    svg("path", { d: path }));
  const wide = matchMedia("(min-width: 720px) and (pointer: fine)").matches;
  return el("details", { class: "scan", open: wide }, el("summary", {}, "用另一部手机扫码付"),
    picture, el("p", { class: "note" }, "打开支付宝“扫一扫”，对准这个图。"));
}

const STATUS = {
  pending: ["clock", "还没有收到付款", "waiting", "付好以后，点“刷新”看结果。请不要重复付款。"],
  paid: ["check", "已付款", "good", ""],
  closed: ["cross", "已关闭，没有扣钱", "quiet", "想缴的话，再跟我说一声。"],
  refunding: ["refund", "正在退款", "waiting", "钱会按原路退回，请留意付款软件的消息。"],
  refunded: ["refund", "已退款", "good", "钱已经按原路退回。"],
};

function status(card, tools) {
  const [name, words, tone, next] = pick(STATUS, card.status, ["clock", "正在查", "waiting", ""]);
  const open = card.status === "pending" || card.status === "refunding";
  const has = tools.buttons.some(({ payload }) => payload === REFRESH.payload);
  return frame(`status ${tone}`, `付款结果：${words}`,
    el("p", { class: "status-word" }, el("span", { class: "status-icon" }, icon(name)), words),
    sum(card.status === "paid" ? "付了" : "金额", card.total),
    card.status === "paid" ? steps(card) : el("p", { class: "note" }, next),
    el("p", { class: "note small" }, `单号 ${card.order_no}`),
    buttonRow(open && !has ? [REFRESH, ...tools.buttons] : tools.buttons, tools));
}

// Charged, booked and credited are three truths; the resident sees which of them has come true.
function steps(card) {
  const rows = [
    [true, "已付款", card.paid_at ? moment(card.paid_at) : ""],
    [Boolean(card.booked), "税务入账", card.booked ? "已入账" : "要1到3个工作日"],
    [Boolean(card.booked), "可以开凭证", card.records_available_on && !card.booked ? `最晚${day(card.records_available_on)}` : ""],
  ];
  return el("ol", { class: "steps" }, rows.map(([done, title, note]) => el("li", { class: done ? "done" : "todo" },
    el("span", { class: "step-mark" }, done ? icon("check") : null),
    el("span", { class: "step-words" }, title, unseen(done ? "，完成" : "，还没到"), note ? el("span", { class: "step-note" }, note) : null))));
}

// --- papers, people, errors ---

function paper(card, tools) {
  const url = safeLink(card.url), preview = safeLink(card.preview_url);
  const picture = url && preview ? el("a", { class: "preview", href: url, target: "_blank", rel: "noopener noreferrer" },
    el("img", { src: preview, alt: `${card.title}的样子，点开看`, loading: "lazy", on: { error: ({ target }) => target.closest("a").remove() } })) : null;
  const save = url ? el("a", { class: "button link", href: url, download: `${card.title}.pdf` }, icon("save"), "保存到手机或电脑") : null;
  const actions = el("div", { class: "buttons" }, outLink(card.url, "打开看", "open"), save);
  const until = untilNote(card.expires_at, tools, () => `${moment(card.expires_at)} 前可以打开，请不要转给别人`, (line) => {
    actions.replaceWith(el("p", { class: "note bad" }, icon("clock"), "这个链接已经过时了，再说一声就给您新的。"));
    picture?.replaceWith(picture.firstElementChild);
    line.remove();
  });
  return frame("paper", card.title, head("paper", card.title), picture, factList([{ label: "编号", value: card.number }]),
    actions, until, buttonRow(tools.buttons, tools));
}

function handoff(card, tools) {
  const ahead = Number.isInteger(card.position) && card.position > 0 ? `您排在第 ${card.position} 位。` : "";
  const [name, words, note] = pick({
    queued: ["clock", "正在为您找人工", `${ahead}您不用重复说，接通了会告诉您。`],
    assigned: ["person", "人工已经接通", "您直接打字说就行。"],
    ended: ["check", "人工服务已经结束", "我继续为您服务。"],
  }, card.state, ["person", "人工服务", ""]);
  return frame("handoff", words, head(name, words), el("p", { class: "note" }, note), buttonRow(tools.buttons, tools));
}

function error(card, tools) {
  if (!tools.failed) return tools.buttons.length ? frame("error", "出了点问题", buttonRow(tools.buttons, tools)) : null;
  const again = el("button", { type: "button", class: "button strong" }, icon("again"), "再发一次");
  again.addEventListener("click", () => tools.resend(tools.failed));
  return frame("error", "没有收到", el("p", { class: "card-head bad" }, icon("warn"), "没有收到？"), again);
}
