// The conversation apart from its looks: connect, resume after the cursor, send each message once, resend.

import { setNow } from "./format.js";
import { Socket } from "./socket.js";

const RETRIES_MS = [300, 1000, 2000, 4000, 8000, 15000];
const SLOW_MS = 8000;
const LOST_MS = 30000;
const REFRESH_MS = 4 * 60 * 1000;
const IDLE_MS = 15 * 60 * 1000;

/**
 * Events: `state` (connecting|online|offline), `said` {id, text, state}, `answer` {data, live}, `message` {id, state},
 * `typing` {on, slow}, `restored`, `ended` (reason). States of a message: sending, waiting, done, failed.
 */
export class Conversation extends EventTarget {
  #socket = null; #ticket = null; #epoch = null; #cursor = 0; #tries = 0; #retry; #held = 0;
  #outbox = new Map(); #seen = new Set(); #typing = new Set(); #slow; #idle; #over = false; #leaving = false; #opening = false; #talked = false;

  async start() {
    this.#over = false;
    this.#watchIdle();
    await this.#open();
  }

  /** Say `text`; `title` is what stands on the button that was tapped. */
  say(text, title = text) {
    const message = { id: newId(), text, title, state: "sending", tried: 0 };
    this.#outbox.set(message.id, message);
    this.#talked = true;
    this.#seen.add(message.id);
    this.#tell("said", { id: message.id, text: title, state: "sending", live: true });
    this.#watchIdle();
    this.#deliver(message);
    if (Date.now() - this.#held > REFRESH_MS) this.#hold().catch(() => {});
  }

  /** Send a failed message again, under the same id. After a reload the server still knows its text. */
  resend(id) {
    if (!this.#outbox.has(id)) this.#outbox.set(id, { id, text: "", state: "failed", tried: 0 });
    this.#deliver(this.#outbox.get(id));
  }

  /** The page is looked at again, or the network is back: do not wait for the next try. */
  wake() {
    if (this.#over || this.#socket || this.#opening) return;
    this.#tries = 0;
    clearTimeout(this.#retry);
    this.#connect();
  }

  async leave() {
    this.#leaving = true;
    await fetch("/web/session", { method: "DELETE", credentials: "same-origin" }).catch(() => {});
    this.#end("left");
  }

  // --- connection ---

  async #open() {
    if (this.#opening) return;
    this.#opening = true;
    this.#tell("state", "connecting");
    const held = await this.#hold().catch(() => null);
    this.#opening = false;
    if (held === null) this.#later();
    else if (held.fresh && this.#epoch) this.#end("idle");
    else this.#connect();
  }

  async #hold() {
    const answer = await fetch("/web/session", { method: "POST", credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const held = await answer.json();
    this.#held = Date.now();
    this.#ticket = held.ticket;
    setNow(held.now);
    return held;
  }

  #connect() {
    if (!this.#ticket) return this.#open();
    this.#tell("state", "connecting");
    const socket = new Socket({ ticket: this.#ticket });
    this.#socket = socket;
    socket.addEventListener("connect", () => socket.send("session_request", { epoch: this.#epoch, cursor: this.#cursor }));
    socket.addEventListener("refused", () => { this.#ticket = null; });
    socket.addEventListener("event", ({ detail }) => this.#receive(detail.name, detail.data));
    socket.addEventListener("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#later();
    });
  }

  #later() {
    if (this.#over) return;
    const wait = RETRIES_MS[Math.min(this.#tries++, RETRIES_MS.length - 1)];
    if (this.#tries > 1) this.#tell("state", "offline");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  // --- what arrives ---

  #receive(name, data) {
    if (name === "resume") this.#resume(data);
    else if (name === "bot_uttered" || name === "user_echoed") this.#next(name, data);
    else if (name === "message_state") this.#mark(data.id, data.state);
    else if (name === "typing") this.#setTyping("server", data.on);
    else if (name === "session_renew") this.#hold().catch(() => {});
    else if (name === "session_ended") this.#end("idle");
  }

  #resume({ epoch, cursor, entries, states, now }) {
    setNow(now);
    const restoring = !this.#talked && entries.length > 0;
    if (restoring) this.#tell("restoring");
    this.#epoch = epoch;
    this.#tries = 0;
    for (const { event, data } of entries) this.#show(event, data, !restoring);
    this.#cursor = cursor;
    for (const [id, state] of Object.entries(states)) this.#mark(id, state);
    if (restoring) this.#tell("restored");
    this.#talked = this.#talked || entries.length > 0;
    this.#setTyping("server", Object.values(states).includes("pending"));
    this.#tell("state", "online");
    for (const message of this.#outbox.values()) {
      if (message.state === "sending" || message.state === "waiting") this.#deliver(message);
    }
  }

  #next(name, data) {
    if (data.seq <= this.#cursor) return;
    if (data.seq > this.#cursor + 1) {
      this.#socket?.send("session_request", { epoch: this.#epoch, cursor: this.#cursor });
      return;
    }
    this.#cursor = data.seq;
    setNow(data.at);
    this.#show(name, data, true);
  }

  #show(name, data, live) {
    if (this.#seen.has(data.id)) return;
    this.#seen.add(data.id);
    this.#talked = true;
    if (name === "bot_uttered") {
      this.#tell("answer", { data, live });
      if (live) this.#setTyping("client", false);
    } else {
      this.#tell("said", { id: data.id, text: data.text, at: data.at, state: "done", live });
    }
  }

  // --- what is sent ---

  async #deliver(message) {
    message.state = "sending";
    message.tried += 1;
    const attempt = message.tried;
    this.#tell("message", { id: message.id, state: "sending" });
    if (!this.#socket || !this.#epoch) return this.wake();
    this.#setTyping("client", true);
    const lost = setTimeout(() => this.#mark(message.id, "failed"), LOST_MS);
    try {
      const answer = await this.#socket.emit("user_uttered", { message: message.text, message_id: message.id });
      if (answer?.state === "ended") this.#end("idle");
      else this.#mark(message.id, answer?.state === "done" ? "done" : "failed");
    } catch {
      if (message.tried === attempt) this.#tell("message", { id: message.id, state: "waiting" });
    } finally {
      clearTimeout(lost);
      this.#setTyping("client", false);
    }
  }

  #mark(id, state) {
    const message = this.#outbox.get(id);
    if (message) message.state = state === "pending" ? "sending" : state;
    this.#tell("message", { id, state: state === "pending" ? "sending" : state });
    if (state === "done") this.#outbox.delete(id);
  }

  // --- small things ---

  #setTyping(who, on) {
    if (on) this.#typing.add(who);
    else this.#typing.delete(who);
    clearTimeout(this.#slow);
    if (this.#typing.size) this.#slow = setTimeout(() => this.#tell("typing", { on: true, slow: true }), SLOW_MS);
    this.#tell("typing", { on: this.#typing.size > 0, slow: false });
  }

  // The server ends an idle session at the next word; a screen left alone is cleared by the page itself.
  #watchIdle() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => { if (this.#talked) this.#end("idle"); else this.#watchIdle(); }, IDLE_MS);
  }

  #end(reason) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#idle);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#ticket = this.#epoch = null;
    this.#cursor = this.#tries = 0;
    this.#talked = false;
    this.#outbox.clear();
    this.#seen.clear();
    this.#typing.clear();
    this.#setTyping("server", false);
    this.#tell("state", "offline");
    this.#tell("ended", this.#leaving ? "left" : reason);
    this.#leaving = false;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
