import type { ManagerMessage, SampleMessage } from "@pushcast/push-manager/console";
import { byId, make } from "./dom.ts";
import { Feed } from "./feed.ts";
import { History } from "./history.ts";
import { showNodes } from "./node-table.ts";
import { plots } from "./plots.ts";
import { setUpPushForm } from "./push-form.ts";
import { setToken } from "./server.ts";
import { setUpShortcuts } from "./shortcuts.ts";
import { setUpTail } from "./tail-view.ts";
import { setUpTheme } from "./theme.ts";
import { moment } from "./words.ts";

const history = new History();
const drawn = plots(history);
byId("plots", HTMLElement).append(...drawn.map(({ element }) => element));
const theme = setUpTheme(() => {
  for (const plot of drawn) plot.repaint();
});

const status = byId("status", HTMLElement);
const tokenDialog = byId("token-dialog", HTMLDialogElement);
const tokenButton = byId("token-button", HTMLButtonElement);
const token = byId("token", HTMLInputElement);

function say(state: "live" | "down", words: string): void {
  if (status.textContent === words) return;
  status.dataset.state = state;
  status.textContent = words;
}

function askForToken(reason: string): void {
  byId("token-problem", HTMLElement).textContent = reason;
  say("down", "a token is needed");
  tokenButton.hidden = false;
  if (!tokenDialog.open) tokenDialog.showModal();
}

function showManager({ managerId, version, epoch, startedAtMs }: ManagerMessage): void {
  byId("manager", HTMLElement).replaceChildren(
    make("b", "", managerId),
    ` ${version} · epoch `,
    make("code", "", epoch),
    ` · since ${moment(startedAtMs)}`,
  );
}

function showSample(sample: SampleMessage): void {
  history.add(sample);
  for (const plot of drawn) plot.draw();
  showNodes(sample.nodes);
  say("live", sample.held ? "live; publishers are held back" : "live");
}

let epoch = "";
let feed: Feed | undefined;
function open(): void {
  feed?.close();
  feed = new Feed("/console/samples", {
    onEvent: (name, data) => {
      if (name === "manager") {
        const manager = data as ManagerMessage;
        // Behind a Service, or after a restart, it may be another.
        if (manager.epoch !== epoch) history.clear();
        epoch = manager.epoch;
        showManager(manager);
      } else if (name === "sample") {
        showSample(data as SampleMessage);
      }
    },
    onDown: (reason) => say("down", `${reason}; trying again`),
    onRefused: (error) => {
      // Nobody has done anything wrong who has not been asked yet.
      if (error.needsToken) askForToken(error.code === "TOKEN_MISSING" ? "" : error.message);
      else say("down", error.message);
    },
  });
}

byId("token-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(token.value.trim());
  token.value = "";
  tokenDialog.close();
  tokenButton.hidden = true;
  open();
});
tokenButton.addEventListener("click", () => tokenDialog.showModal());

// What scrolls is scrolled with the keyboard as well; the plots are gone to by their shortcut.
for (const id of ["node-scroll", "tail-scroll"]) byId(id, HTMLElement).tabIndex = 0;
byId("plots", HTMLElement).tabIndex = -1;

setUpPushForm(askForToken);
setUpTail(askForToken);
setUpShortcuts([
  { key: "p", does: "Push: go to the content", run: () => byId("content", HTMLElement).focus() },
  { key: "r", does: "Tail: go to the room", run: () => byId("tail-room", HTMLElement).focus() },
  { key: "n", does: "Go to the nodes", run: () => byId("node-scroll", HTMLElement).focus() },
  { key: "g", does: "Go to the plots", run: () => byId("plots", HTMLElement).focus() },
  { key: "d", does: "Dark, light, or as the system", run: theme.next },
]);
open();
