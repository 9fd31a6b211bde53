import { describe, expect, test } from "vitest";
import { formatTraceparent, isSampled, parseTraceparent } from "./traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("a traceparent", () => {
  test("says the trace, the caller's span, and whether it is sampled", () => {
    const sampled = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
    expect(sampled).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true });
    const [yes, no, other] = ["01", "00", "fe"].map((flags) =>
      parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`),
    );
    expect([yes, no, other].map((context) => context && isSampled(context))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("is written as it is read, with the one flag that is understood", () => {
    const context = parseTraceparent(`00-${TRACE}-${SPAN}-03`);
    expect(context && formatTraceparent(context)).toBe(`00-${TRACE}-${SPAN}-01`);
  });

  test("brings what vendors on the way have said", () => {
    const context = parseTraceparent(`00-${TRACE}-${SPAN}-01`, "vendor=some,other=thing");
    expect(context?.traceState?.get("other")).toBe("thing");
  });

  test("of a later version may have more", () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.traceId).toBe(TRACE);
  });

  test.each([
    "",
    "00",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-more`,
    `01-${TRACE}-${SPAN}-01more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${TRACE}x-${SPAN}-01`,
  ])("that is none is as if there were none: %j", (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});
