import { FakeServer } from "@pushcast/client/testing";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { App } from "../src/app.tsx";

it("the example renders on a server, and connects nowhere", () => {
  const server = new FakeServer();
  const props = { options: server.options, rooms: ["one"], load: async () => [] };
  expect(renderToString(createElement(App, props))).toContain("connecting");
  expect(server.sessions).toEqual([]);
});
