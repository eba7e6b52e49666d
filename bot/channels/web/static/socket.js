// Socket.IO 5 over Engine.IO 4, websocket only: the part of the wire that this page needs.

const OPEN = "0", PING = "2", PONG = "3", MESSAGE = "4";
const CONNECT = "0", DISCONNECT = "1", EVENT = "2", ACK = "3", REFUSED = "4";
const HANDSHAKE_MS = 10000;

/** Events: `connect`, `refused` (detail: reason), `close`, and `event` (detail: {name, data}). One use each. */
export class Socket extends EventTarget {
  #web; #auth; #acks = new Map(); #next = 0; #silence = 45000; #timer; #open = false;

  constructor(auth) {
    super();
    this.#auth = auth;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#web = new WebSocket(`${scheme}://${location.host}/socket.io/?EIO=4&transport=websocket`);
    this.#web.addEventListener("message", ({ data }) => this.#receive(String(data)));
    this.#web.addEventListener("close", () => this.#closed());
    this.#listen(HANDSHAKE_MS);
  }

  /** Resolves with the server's acknowledgement; rejects when the connection goes first. */
  emit(name, data) {
    if (!this.#open) return Promise.reject(new Error("closed"));
    const id = this.#next++;
    this.#web.send(`${MESSAGE}${EVENT}${id}${JSON.stringify([name, data])}`);
    return new Promise((resolve, reject) => this.#acks.set(id, { resolve, reject }));
  }

  send(name, data) {
    if (this.#open) this.#web.send(`${MESSAGE}${EVENT}${JSON.stringify([name, data])}`);
  }

  close() {
    this.#web.close();
    this.#closed();
  }

  #receive(frame) {
    this.#listen(this.#silence);
    const body = frame.slice(1);
    if (frame[0] === OPEN) {
      const hello = JSON.parse(body);
      this.#silence = hello.pingInterval + hello.pingTimeout;
      this.#web.send(`${MESSAGE}${CONNECT}${JSON.stringify(this.#auth)}`);
    } else if (frame[0] === PING) {
      this.#web.send(PONG);
    } else if (frame[0] === MESSAGE) {
      this.#packet(body[0], body.slice(1));
    }
  }

  #packet(type, body) {
    if (type === CONNECT) {
      this.#open = true;
      this.#tell("connect");
    } else if (type === REFUSED) {
      this.#tell("refused", JSON.parse(body || "{}").message);
      this.close();
    } else if (type === DISCONNECT) {
      this.close();
    } else if (type === EVENT) {
      const [name, data] = JSON.parse(body.replace(/^\d+/, ""));
      this.#tell("event", { name, data });
    } else if (type === ACK) {
      const [, id, json] = body.match(/^(\d+)(.*)$/s);
      this.#acks.get(Number(id))?.resolve(JSON.parse(json)[0]);
      this.#acks.delete(Number(id));
    }
  }

  // A phone that slept leaves sockets that look open: silence longer than the server's ping ends them.
  #listen(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), milliseconds);
  }

  #closed() {
    clearTimeout(this.#timer);
    if (this.#open === null) return;
    this.#open = null;
    for (const { reject } of this.#acks.values()) reject(new Error("closed"));
    this.#acks.clear();
    this.#tell("close");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
