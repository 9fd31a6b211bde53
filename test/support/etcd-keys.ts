/** Keys and revisions of an etcd, by its JSON gateway: what an operator's etcdctl does. */

interface Header {
  readonly header: { readonly revision: string };
}

/** Gives the revision of the put. */
export async function putKey(endpoint: string, key: string, value: string): Promise<bigint> {
  const answer = await call(endpoint, "kv/put", { key: base64(key), value: base64(value) });
  return BigInt(answer.header.revision);
}

export async function deleteKey(endpoint: string, key: string): Promise<void> {
  await call(endpoint, "kv/deleterange", { key: base64(key) });
}

/** The value of the key, if it is there. */
export async function getKey(endpoint: string, key: string): Promise<string | undefined> {
  const answer = await call(endpoint, "kv/range", { key: base64(key) });
  const { kvs } = answer as { kvs?: { value: string }[] };
  const value = kvs?.[0]?.value;
  return value === undefined ? undefined : Buffer.from(value, "base64").toString();
}

/** Forgets the history before the revision. */
export async function compact(endpoint: string, revision: bigint): Promise<void> {
  await call(endpoint, "kv/compaction", { revision: String(revision), physical: true });
}

async function call(endpoint: string, method: string, body: object): Promise<Header> {
  const response = await fetch(`${endpoint}/v3/${method}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`etcd ${method}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Header;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
