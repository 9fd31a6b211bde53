import { failureInWords, latencyInWords, reportInWords, shellLine } from "./words.js";

const COPIED_MS = 1_500;

/** The form that pushes, the report of the last push, and the shell command that does the same. */
export class PushForm {
  #form = document.querySelector("#push");
  #room = document.querySelector("#push-room");
  #user = document.querySelector("#push-user");
  #text = document.querySelector("#push-text");
  #report = document.querySelector("#report");
  #shellLine = document.querySelector("#shell-line");
  #pushes = 0;

  constructor() {
    this.#form.addEventListener("input", () => this.#showForm());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#push();
    });
    const copy = document.querySelector("#shell-copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.#shellLine.textContent);
      copy.textContent = "Copied";
      setTimeout(() => {
        copy.textContent = "Copy";
      }, COPIED_MS);
    });
    this.#showForm();
  }

  /** For whom, as the query of `POST /push`. */
  get #query() {
    switch (this.#form.elements.target.value) {
      case "room":
        return `room=${encodeURIComponent(this.#room.value)}`;
      case "user":
        return `user=${encodeURIComponent(this.#user.value)}`;
      default:
        return "all";
    }
  }

  #showForm() {
    const target = this.#form.elements.target.value;
    document.querySelector("#push-room-field").hidden = target !== "room";
    document.querySelector("#push-user-field").hidden = target !== "user";
    const url = `${location.origin}/push?${this.#query}`;
    this.#shellLine.textContent = shellLine(url, this.#text.value);
  }

  async #push() {
    this.#pushes += 1;
    const push = this.#pushes;
    const startedAtMs = performance.now();
    const shown = await this.#answer();
    const tookMs = performance.now() - startedAtMs;
    if (push === this.#pushes) this.#showAnswer(shown, tookMs);
  }

  async #answer() {
    try {
      const response = await fetch(`/push?${this.#query}`, {
        method: "POST",
        headers: { "Content-Type": "text/plain" },
        body: this.#text.value,
      });
      return await response.json();
    } catch {
      return {
        error: { code: "NO_ANSWER", message: "pushcast dev does not answer. Is it running?" },
      };
    }
  }

  #showAnswer({ error, message_id, report }, tookMs) {
    if (error !== undefined) {
      this.#report.replaceChildren(problem(error.code, error.message));
      return;
    }
    this.#report.replaceChildren(
      reportInWords(report),
      element("small", ` · in ${latencyInWords(tookMs)} · `),
      element("code", message_id),
      ...report.failures.flatMap((failure) => [
        document.createElement("br"),
        problem("FAILED", failureInWords(failure)),
      ]),
    );
  }
}

function problem(code, message) {
  const line = element("span", "");
  line.className = "problem";
  line.append(element("code", code), ` ${message}`);
  return line;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
