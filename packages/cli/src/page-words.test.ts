import { expect, test } from "vitest";

// The page's scripts are for browsers: no build and no types.
const {
  contentInWords,
  failureInWords,
  latencyInWords,
  reportInWords,
  shellLine,
  targetInWords,
  timeInWords,
} = await import(new URL("../page/words.js", import.meta.url).href);

const REPORT = {
  nodes_total: 2,
  nodes_acked: 2,
  nodes_matched: 2,
  sessions_delivered: 2,
  sessions_lagging: 0,
};

test("a report is said in words, one thing in the singular", () => {
  expect(reportInWords(REPORT)).toBe("2 nodes, 2 acknowledged, 2 matched, 2 sessions");
  expect(reportInWords({ ...REPORT, nodes_total: 1, sessions_delivered: 1 })).toBe(
    "1 node, 2 acknowledged, 2 matched, 1 session",
  );
  expect(reportInWords({ ...REPORT, sessions_delivered: 0, sessions_lagging: 3 })).toBe(
    "2 nodes, 2 acknowledged, 2 matched, 0 sessions, 3 lagging",
  );
});

test("a failure names the node and the reason", () => {
  const failure = { node_id: "node-2", reason: "DEADLINE", message: "" };
  expect(failureInWords(failure)).toBe("node-2: DEADLINE");
  expect(failureInWords({ ...failure, message: "after 1 s" })).toBe("node-2: DEADLINE, after 1 s");
});

test("a target is said as the user got it", () => {
  expect(targetInWords({ target: "room", room: "lobby" }, "ann")).toBe("room lobby");
  expect(targetInWords({ target: "user" }, "ann")).toBe("user ann");
  expect(targetInWords({ target: "user", room: "lobby" }, "ann")).toBe("user ann in room lobby");
  expect(targetInWords({ target: "all" }, "ann")).toBe("everyone");
});

test("content is text as it is, JSON as JSON, and other bytes by their number", () => {
  const text = { content_type: "text/plain", content: "Hello" };
  expect(contentInWords(text)).toBe("Hello");
  expect(contentInWords({ ...text, content: "" })).toBe("(empty)");
  expect(contentInWords({ content_type: "application/json", content: { a: [1] } })).toBe(
    '{"a":[1]}',
  );
  expect(contentInWords({ content_type: "application/json", content: "a" })).toBe('"a"');
  expect(
    contentInWords({ content_type: "audio/ogg", content: "T2dnUw==", encoding: "base64" }),
  ).toBe("4 bytes of audio/ogg");
});

test("a latency below a millisecond, or one that clocks make negative, is below one", () => {
  expect(latencyInWords(-2)).toBe("< 1 ms");
  expect(latencyInWords(0)).toBe("< 1 ms");
  expect(latencyInWords(1.6)).toBe("2 ms");
});

test("a time has milliseconds", () => {
  expect(timeInWords(new Date(2025, 0, 1, 9, 5, 3, 7))).toBe("09:05:03.007");
});

test("the shell line survives quotes, and a text that curl would take for a file", () => {
  const url = "http://localhost:8080/push?room=lobby";
  expect(shellLine(url, "Hello")).toBe(`curl -d 'Hello' '${url}'`);
  expect(shellLine(url, "it's")).toBe(`curl -d 'it'\\''s' '${url}'`);
  expect(shellLine(url, "@passwd")).toBe(`curl --data-raw '@passwd' '${url}'`);
});
