// Where the page comes together: conversation, view, composer, the two dialogs, type size, the keyboard.

import { Conversation } from "./conversation.js";
import { icon } from "./icons.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const STATES = { connecting: "正在连接…", online: "在线，随时可以问", offline: "网络断了，正在重新连接…" };
const SIZES = ["标准", "大", "特大"];
const DOUBLE_TAP_MS = 700;
const ENDED = {
  idle: "您离开了一会儿。为了您的安全，对话已经清空。要接着办，请点下面的按钮。",
  left: "已经退出，对话清空了。下次来，再核验一次身份就行。",
};

const conversation = new Conversation();
const view = new View({ say, resend });
let lastTap = { name: "", time: 0 };

// A shaky finger taps twice: the second tap of the same button within a moment is not a second message.
function say(payload, title) {
  const name = `${title} ${payload}`, time = performance.now();
  if (lastTap.name === name && time - lastTap.time < DOUBLE_TAP_MS) return false;
  lastTap = { name, time };
  conversation.say(payload, title);
  return true;
}

function resend(id) {
  conversation.resend(id);
}

listen();
wireButtons();
wireComposer();
wireDialogs();
wireSize();
fitKeyboard();
conversation.start();

function listen() {
  const on = (name, act) => conversation.addEventListener(name, ({ detail }) => act(detail));
  on("state", (state) => {
    byId("state").dataset.state = state;
    byId("state").textContent = STATES[state];
  });
  on("restoring", () => view.silently(true));
  on("restored", () => view.silently(false));
  on("said", (message) => view.addSaid(message));
  on("answer", ({ data, live }) => view.addAnswer(data, live));
  on("message", ({ id, state }) => view.mark(id, state));
  on("typing", (typing) => view.typing(typing));
  on("ended", (reason) => {
    view.clear();
    byId("ended-why").textContent = ENDED[reason];
    open(byId("ended"));
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) conversation.wake(); });
  for (const event of ["online", "pageshow", "focus"]) addEventListener(event, () => conversation.wake());
}

function wireButtons() {
  for (const node of document.querySelectorAll("[data-icon]")) node.prepend(icon(node.dataset.icon));
  for (const button of document.querySelectorAll("button[data-payload]")) {
    button.addEventListener("click", () => say(button.dataset.payload, button.dataset.title));
  }
}

function wireComposer() {
  const field = byId("message"), form = byId("composer");
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 4}px`;
  };
  const send = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) conversation.say(text);
    field.value = "";
    grow();
    field.focus();
  };
  form.addEventListener("submit", send);
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    // Enter that picks a word in a Chinese input method must not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    send(event);
  });
}

function wireDialogs() {
  byId("leave").addEventListener("click", () => open(byId("ask-leave")));
  byId("stay").addEventListener("click", () => close(byId("ask-leave")));
  byId("leave-now").addEventListener("click", () => {
    close(byId("ask-leave"));
    conversation.leave();
  });
  byId("again").addEventListener("click", () => close(byId("ended")));
  byId("ended").addEventListener("close", () => conversation.start());
}

// Phones from before 2022 know the element but not its methods.
function open(dialog) {
  if (dialog.showModal) dialog.showModal();
  else dialog.setAttribute("open", "");
}

function close(dialog) {
  if (dialog.close) return dialog.close();
  dialog.removeAttribute("open");
  dialog.dispatchEvent(new Event("close"));
}

function wireSize() {
  const button = byId("size");
  const show = (size) => {
    const next = (size + 1) % SIZES.length;
    document.documentElement.dataset.size = String(size);
    button.querySelector(".top-label").textContent = ["大字", "更大", "标准"][size];
    button.setAttribute("aria-label", `文字大小：${SIZES[size]}，点一下换成${SIZES[next]}`);
  };
  let size = Number(remembered("size")) % SIZES.length || 0;
  show(size);
  button.addEventListener("click", () => {
    size = (size + 1) % SIZES.length;
    show(size);
    remember("size", String(size));
  });
}

// Only the type size is kept on the device. Some in-app browsers forbid even that.
function remembered(name) {
  try { return localStorage.getItem(`shebao.${name}`); } catch { return null; }
}

function remember(name, value) {
  try { localStorage.setItem(`shebao.${name}`, value); } catch { /* the size then lasts as long as the page */ }
}

// Keyboards of iOS lie over the page: the app takes the height that can be seen.
function fitKeyboard() {
  const seen = window.visualViewport;
  if (!seen) return;
  const fit = () => {
    const style = document.documentElement.style;
    style.setProperty("--seen", `${Math.round(seen.height)}px`);
    style.setProperty("--shift", `${Math.round(seen.offsetTop)}px`);
    document.documentElement.classList.toggle("typing-now", seen.height < 460 && document.activeElement === byId("message"));
  };
  seen.addEventListener("resize", fit);
  seen.addEventListener("scroll", fit);
  byId("message").addEventListener("focus", () => setTimeout(fit, 300));
  byId("message").addEventListener("blur", () => setTimeout(fit, 100));
  fit();
}
