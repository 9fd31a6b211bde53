import { byId, make } from "./dom.ts";

export interface Shortcut {
  readonly key: string;
  readonly does: string;
  readonly run: () => void;
}

const OFF_KEY = "pushcast-console-shortcuts-off";

/** Single keys, where nothing is being typed. They can be switched off: speech input types, too. */
export function setUpShortcuts(shortcuts: readonly Shortcut[]): void {
  const dialog = byId("shortcuts", HTMLDialogElement);
  const enabled = byId("shortcuts-enabled", HTMLInputElement);
  const show = () => dialog.showModal();
  const all = [...shortcuts, { key: "?", does: "Show these", run: show }];
  byId("shortcut-list", HTMLElement).append(
    ...all.map(({ key, does }) =>
      make("div", "", make("dt", "", make("kbd", "", key)), make("dd", "", does)),
    ),
  );
  enabled.checked = localStorage.getItem(OFF_KEY) === null;
  enabled.addEventListener("change", () => {
    if (enabled.checked) localStorage.removeItem(OFF_KEY);
    else localStorage.setItem(OFF_KEY, "1");
  });
  byId("help", HTMLButtonElement).addEventListener("click", show);
  document.addEventListener("keydown", (event) => {
    if (!enabled.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
    const shortcut = all.find(({ key }) => key === event.key);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
