/// <reference lib="dom" />
/** Runs in the browser: the app of the React example, and the server that it talks to. */
import { FakeServer } from "@pushcast/client/testing";
import { StrictMode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { App } from "../src/app.tsx";

const server = new FakeServer();
const root = createRoot(document.getElementById("app") as HTMLElement);
const load = async () => ["loaded anew"];

/** @param rooms undefined takes the app away */
function show(rooms: readonly string[] | undefined, userId = "ann"): void {
  const options = { ...server.options, userId };
  const app = rooms && <App key={userId} options={options} rooms={rooms} load={load} />;
  flushSync(() => root.render(<StrictMode>{app}</StrictMode>));
}

Object.assign(window, { server, show });
show(["one", "two"]);
