import type { KnownPush, PublicationPlace, SubscriptionHistory } from "@pushcast/log";

/**
 * Adds the publications that any client has seen: a manager that was killed may have accepted a push
 * without an answer, and a gap may speak of that publication.
 */
export function withSeen(
  pushes: readonly KnownPush[],
  histories: readonly SubscriptionHistory[],
): KnownPush[] {
  const seen = new Map<number, Map<string, PublicationPlace>>();
  for (const { push, publications } of pushes) {
    seen.set(push, new Map(publications.map((place) => [idOf(place), place])));
  }
  for (const { events } of histories) {
    for (const event of events) {
      if (event.kind === "message") seen.get(event.push)?.set(idOf(event), event);
    }
  }
  return pushes.map((push) => ({
    ...push,
    publications: [...(seen.get(push.push)?.values() ?? [])],
  }));
}

function idOf({ epoch, seq }: PublicationPlace): string {
  return `${epoch}-${seq}`;
}
