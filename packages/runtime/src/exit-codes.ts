/** How a service's process ends, and what it means. Each but `ok` comes with one line of JSON on stderr. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: "SIGTERM or SIGINT, and it stopped in good order" },
  failed: {
    code: 1,
    meaning:
      "a port is taken (the line names setting and port), a second signal, the stop took too long, a bug",
  },
  /** EX_CONFIG of sysexits.h. */
  config: { code: 78, meaning: "invalid settings: the line has all of them" },
} as const;
