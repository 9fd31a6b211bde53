import { CaptionsView } from "./captions-view.js";
import { Feed } from "./feed.js";

const find = (selector) => document.querySelector(selector);
const view = new CaptionsView();

async function fetchSession() {
  const response = await fetch("session.json");
  if (!response.ok) throw new Error(`session.json: ${response.status}`);
  return await response.json();
}

const { userId, nodes, tracks } = await fetchSession();
const preferred = new URLSearchParams(location.search);
let track = trackFor([preferred.get("lang"), ...navigator.languages]);

const feed = new Feed({
  userId,
  nodes,
  findNodes: async () => (await fetchSession()).nodes,
  listener: {
    onState: showState,
    onJoined: tellLanguage,
    onMessage: show,
    onMissed: () => showNotice("Some captions were missed while the connection was down.", "en"),
  },
});

addChoices(
  "#languages",
  "language",
  tracks.map(({ lang }) => [lang, nativeName(lang)]),
  choose,
);
addChoices(
  "#nodes",
  "node",
  nodes.map(({ name }) => [name, name.replace("-", " ")]),
  (name) => feed.connect(name),
);
find("#notice-close").addEventListener("click", () => {
  find("#notice").hidden = true;
});
check("language", track.lang);
read();
feed.connect(preferred.get("node") ?? nodes[0].name);

function trackFor(languages) {
  const base = (lang) => lang?.toLowerCase().split("-")[0];
  const wanted = languages.map(base);
  const best = wanted.find((lang) => tracks.some((each) => base(each.lang) === lang));
  return tracks.find(({ lang }) => base(lang) === best) ?? tracks[0];
}

function choose(lang) {
  track = tracks.find((each) => each.lang === lang);
  read();
}

function read() {
  document.title = track.title;
  find("#title").textContent = track.title;
  find("#title").lang = track.lang;
  find("#notice").hidden = true;
  view.clear(track.lang);
  feed.read(track.room);
}

/** The business server may have something to say to readers of a language. */
async function tellLanguage() {
  await fetch(`readers/${userId}/languages/${track.lang}`, { method: "POST" });
}

function show(message) {
  switch (message.kind) {
    case "caption":
      view.addCaption(message);
      break;
    case "notice":
      if (message.lang === track.lang) showNotice(message.text, message.lang);
      break;
    case "ending":
      view.end(message.texts[track.lang], message.at);
      break;
  }
}

function showNotice(text, lang) {
  find("#notice-text").textContent = text;
  find("#notice-text").lang = lang;
  find("#notice").hidden = false;
}

function showState(state, node) {
  const words = {
    connecting: "Connecting",
    live: "Live",
    waiting: view.isOver ? "Closed" : "Reconnecting",
    refused: "The connection was refused",
  };
  find("#connection").dataset.state = state;
  find("#connection-text").textContent = words[state];
  if (state !== "waiting") check("node", node.name);
}

function addChoices(selector, name, choices, onChoose) {
  for (const [value, text] of choices) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name, value });
    const span = Object.assign(document.createElement("span"), { textContent: text });
    input.addEventListener("change", () => onChoose(value));
    label.append(input, span);
    find(selector).append(label);
  }
}

function check(name, value) {
  const input = find(`input[name="${name}"][value="${CSS.escape(value)}"]`);
  if (input !== null) input.checked = true;
}

function nativeName(lang) {
  const name = new Intl.DisplayNames([lang], { type: "language" }).of(lang);
  return name.charAt(0).toLocaleUpperCase(lang) + name.slice(1);
}
