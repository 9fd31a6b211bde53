/** The captions as they are read: the newest large, the last few above it, dimmer with age. */

const LINES = 5;

export class CaptionsView {
  #captions = document.querySelector("#captions");
  #ending = document.querySelector("#ending");
  #waiting = document.querySelector("#waiting");
  #time = document.querySelector("#time");
  #lastAt = 0;

  /** Empties it, for another language. */
  clear(lang) {
    this.#captions.replaceChildren();
    this.#captions.lang = lang;
    this.#ending.lang = lang;
    this.#time.textContent = "";
    this.#lastAt = 0;
    this.#show();
  }

  addCaption({ text, start, at }) {
    const line = document.createElement("li");
    line.textContent = text;
    this.#captions.append(line);
    while (this.#captions.children.length > LINES) this.#captions.firstElementChild.remove();
    this.#time.textContent = talkTime(start);
    this.#lastAt = at;
    this.#ending.hidden = true;
    this.#show();
  }

  /** A replay may bring an ending that is older than what is read now. */
  end(text, at) {
    if (at < this.#lastAt) return;
    this.#ending.textContent = text;
    this.#ending.hidden = false;
    this.#show();
  }

  get isOver() {
    return !this.#ending.hidden;
  }

  #show() {
    this.#captions.classList.toggle("over", this.isOver);
    this.#waiting.hidden = this.isOver || this.#captions.children.length > 0;
  }
}

/** `3:07` */
function talkTime(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
