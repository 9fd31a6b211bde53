import { Connection } from "./connection.js";
import { contentInWords, latencyInWords, targetInWords, timeInWords } from "./words.js";

const MAX_ARRIVALS = 100;

/** One node's panel: a session on it, the room that the session is in, and what arrives. */
export class NodePanel {
  element;
  #userId;
  #connection;
  #state;
  #joinedLine;
  #roomField;
  #joinButton;
  #arrivals;
  /** The rooms that the session is in. */
  #rooms = new Set();
  /** The room that it asked for last. */
  #wanted;
  #lastId = 0;

  constructor({ nodeId, userId, room, url }) {
    this.element = document.querySelector("#node-panel").content.firstElementChild.cloneNode(true);
    this.#state = this.#part(".state");
    this.#joinedLine = this.#part(".joined");
    this.#roomField = this.#part("input");
    this.#joinButton = this.#part("button");
    this.#arrivals = this.#part(".arrivals");
    this.#userId = userId;
    this.#wanted = room;

    const titleId = `${nodeId}-title`;
    this.element.setAttribute("aria-labelledby", titleId);
    this.#part("h2").id = titleId;
    this.#part("h2").textContent = nodeId;
    this.#part(".about").append("user ", strong(userId), ` at ${url.host}`);
    this.#roomField.value = room;
    this.#arrivals.setAttribute("aria-label", `Arrivals at ${nodeId}`);
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join(this.#roomField.value);
    });

    const address = new URL(url);
    address.searchParams.set("user_id", userId);
    this.#connection = new Connection({
      url: address,
      onState: (state, code) => this.#showState(state, code),
      onFrame: (frame) => this.#receive(frame),
    });
  }

  connect() {
    this.#connection.open();
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #join(room) {
    this.#wanted = room;
    this.#lastId += 1;
    this.#connection.send({ type: "join", id: this.#lastId, room });
  }

  #receive(frame) {
    switch (frame.type) {
      case "welcome":
        this.#rooms.clear();
        this.#join(this.#wanted);
        return;
      case "joined":
        this.#rooms.add(frame.room);
        if (frame.id === this.#lastId) this.#leaveOthers(frame.room);
        return this.#showRooms();
      case "left":
        this.#rooms.delete(frame.room);
        return this.#showRooms();
      case "message":
        return this.#showArrival(frame);
      case "gap":
        return this.#showProblem("GAP", "something that was pushed before this is missing");
      case "error":
        if (frame.id === this.#lastId) this.#wanted = [...this.#rooms][0] ?? this.#wanted;
        return this.#showProblem(frame.code, frame.message);
    }
  }

  /** It is in the room that it asked for; only now does it leave the one before. */
  #leaveOthers(joined) {
    for (const room of this.#rooms) {
      if (room !== joined) this.#connection.send({ type: "leave", room });
    }
  }

  #showState(state, code) {
    const words = {
      connecting: "connecting",
      open: "connected",
      waiting: "reconnecting",
      closed: `closed by the server (${code}); load the page anew`,
    };
    this.#state.dataset.state = state;
    // A reader need not hear of every try.
    if (this.#state.textContent !== "reconnecting" || state !== "connecting") {
      this.#state.textContent = words[state];
    }
    this.#joinButton.disabled = state !== "open";
    if (state !== "open") this.#joinedLine.textContent = "";
  }

  #showRooms() {
    this.#joinedLine.classList.remove("problem");
    this.#joinedLine.textContent = this.#roomsInWords();
  }

  #roomsInWords() {
    return this.#rooms.size === 0 ? "In no room" : `In ${[...this.#rooms].join(", ")}`;
  }

  #showProblem(code, message) {
    this.#joinedLine.classList.add("problem");
    const name = document.createElement("code");
    name.textContent = code;
    this.#joinedLine.replaceChildren(name, ` ${message}. ${this.#roomsInWords()}`);
  }

  #showArrival(message) {
    const arrivedAtMs = Date.now();
    const item = document.querySelector("#arrival").content.firstElementChild.cloneNode(true);
    const time = item.querySelector("time");
    item.querySelector(".content").textContent = contentInWords(message);
    item.querySelector(".target").textContent = targetInWords(message, this.#userId);
    time.dateTime = new Date(arrivedAtMs).toISOString();
    time.textContent = timeInWords(new Date(arrivedAtMs));
    item.querySelector(".latency").textContent = latencyInWords(arrivedAtMs - message.at);
    item.querySelector(".id").textContent = message.id;
    this.#arrivals.prepend(item);
    if (this.#arrivals.childElementCount > MAX_ARRIVALS) this.#arrivals.lastElementChild.remove();
  }
}

function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}
