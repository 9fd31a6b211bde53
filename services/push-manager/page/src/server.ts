import type { CONSOLE_HEADER, ErrorMessage } from "@pushcast/push-manager/console";

const HEADER: typeof CONSOLE_HEADER = "x-pushcast-console";
const TOKEN_KEY = "pushcast-console-token";

/** The push-manager answered with an error, or not at all. */
export class ServerError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get needsToken(): boolean {
    return this.status === 401;
  }

  /** Asking again for the same would be answered with the same. */
  get isFinal(): boolean {
    return this.status === 400 || this.status === 401 || this.status === 403;
  }
}

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** @throws ServerError */
export async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const response = await request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

/**
 * Reads Server-Sent Events until the stream ends. Not by EventSource, which sends no headers: the token
 * would stand in the URL, and so in logs.
 * @throws ServerError, or what the signal was aborted with
 */
export async function readEvents(
  path: string,
  signal: AbortSignal,
  onEvent: (name: string, data: unknown) => void,
): Promise<void> {
  const { body } = await request(path, { signal });
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (unread + value).split("\n\n");
    unread = events.pop() ?? "";
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (name !== undefined && data !== undefined) onEvent(name, JSON.parse(data));
    }
  }
}

async function request(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set(HEADER, "1");
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(path, { ...init, headers, cache: "no-store" }).catch(
    (error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new ServerError(0, "NO_ANSWER", "the push-manager does not answer");
    },
  );
  if (response.ok) return response;
  const answer = (await response.json().catch(() => undefined)) as ErrorMessage | undefined;
  throw new ServerError(
    response.status,
    answer?.error.code ?? `HTTP_${response.status}`,
    answer?.error.message ?? response.statusText,
  );
}
