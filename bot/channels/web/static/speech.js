// Reading an answer aloud, only with a voice that lives on the device: nothing said here goes to a third party.

import { el } from "./dom.js";
import { icon } from "./icons.js";

const speech = window.speechSynthesis;
const CALM = 0.9;

/** One button that follows the newest answer; it is there only where the device has a Chinese voice. */
export class Listen {
  #texts = []; #turn = null; #words = el("span", {}, "读给我听");
  #button = el("button", { type: "button", class: "listen", on: { click: () => this.#toggle() } }, icon("speaker"), this.#words);

  constructor() {
    this.#button.hidden = !voice();
    speech?.addEventListener?.("voiceschanged", () => { this.#button.hidden = !voice(); });
  }

  /** `row` is an answer's element, `turn` what it answers (or its own id). */
  follow(row, text, turn) {
    if (turn !== this.#turn) {
      this.silence();
      this.#texts = [];
      this.#turn = turn;
      row.querySelector(".bubble")?.after(this.#button);
    }
    if (text) this.#texts.push(text);
    this.#button.hidden = !voice();
  }

  silence() {
    speech?.cancel();
    this.#words.textContent = "读给我听";
  }

  #toggle() {
    if (speech.speaking) return this.silence();
    const said = new SpeechSynthesisUtterance(this.#texts.join("。"));
    said.voice = voice();
    said.lang = said.voice.lang;
    said.rate = CALM;
    said.onend = () => { this.#words.textContent = "读给我听"; };
    this.#words.textContent = "停下";
    speech.speak(said);
  }
}

function voice() {
  const voices = speech ? speech.getVoices().filter(({ lang, localService }) => localService && /^zh/i.test(lang)) : [];
  return voices.find(({ lang }) => /cn|hans/i.test(lang)) || voices[0] || null;
}
