export interface AuthzQuestion {
  readonly userId: string;
  readonly room: string;
}

/** Asks the biz-server whether a user may join a room. @throws whatever is no answer */
export type AuthzRequest = (question: AuthzQuestion, signal: AbortSignal) => Promise<boolean>;

const MAX_ANSWER_BYTES = 4_096;

/** `POST {"user_id","room_id"}`, which is to be answered with 200 and `{"allow":true|false}`. */
export function authzRequest(url: string, token: () => string | undefined): AuthzRequest {
  return async ({ userId, room }, signal) => {
    const bearer = token();
    const request = () =>
      fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        },
        body: JSON.stringify({ user_id: userId, room_id: room }),
        // The token is for nobody else.
        redirect: "manual",
        signal,
      });
    const response = await request().catch((error: unknown) => {
      if (signal.aborted) throw error;
      // The server may just have closed a connection that was kept alive. To ask twice does no harm.
      return request();
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`answered with status ${response.status}`);
    }
    return readAnswer(await readBounded(response));
  };
}

function readAnswer(text: string): boolean {
  const answer: unknown = JSON.parse(text);
  const allow =
    typeof answer === "object" && answer !== null && "allow" in answer ? answer.allow : undefined;
  if (typeof allow !== "boolean") throw new Error('answered without a boolean "allow"');
  return allow;
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("answered with more than 4 KiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
