import { byId } from "./dom.ts";

const KEY = "pushcast-console-theme";
const THEMES = ["auto", "light", "dark"] as const;

type Theme = (typeof THEMES)[number];

/** Dark and light: as the system says, or as was chosen. @param onChange the colours are others now */
export function setUpTheme(onChange: () => void): { readonly next: () => void } {
  const button = byId("theme", HTMLButtonElement);
  let theme = THEMES.find((known) => known === localStorage.getItem(KEY)) ?? "auto";
  const apply = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  const next = () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
    localStorage.setItem(KEY, theme);
    apply();
    onChange();
  };
  button.addEventListener("click", next);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  apply();
  return { next };
}

const probe = document.createElement("i");

/** The colour that a CSS variable is now, for a canvas. */
export function inkOf(variable: string): string {
  probe.hidden = true;
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${variable})`;
  return getComputedStyle(probe).color;
}
