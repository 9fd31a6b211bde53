import { OffsetList } from "./offset-list.ts";
import type { Publication } from "./publication.ts";

/**
 * For each target the log offsets of its publications, so that a reader of one subscription never
 * reads the whole log. A publication for users in a room belongs to the room. Commands belong nowhere.
 */
export class TargetIndex {
  readonly #rooms = new Map<string, OffsetList>();
  readonly #users = new Map<string, OffsetList>();
  readonly #all = new OffsetList();

  add(publication: Publication, offset: number): void {
    if (publication.command !== undefined) return;
    if (publication.roomId !== "") {
      listOf(this.#rooms, publication.roomId).append(offset);
    } else if (publication.userIds.length > 0) {
      for (const userId of new Set(publication.userIds)) listOf(this.#users, userId).append(offset);
    } else {
      this.#all.append(offset);
    }
  }

  /** Takes out the oldest publication of its targets, as the log evicts it. */
  evict(publication: Publication, offset: number): void {
    if (publication.command !== undefined) return;
    if (publication.roomId !== "") {
      evictFrom(this.#rooms, publication.roomId, offset);
    } else if (publication.userIds.length > 0) {
      for (const userId of publication.userIds) evictFrom(this.#users, userId, offset);
    } else {
      this.#all.evict(offset);
    }
  }

  /** Publications of a room. */
  room(roomId: string): readonly OffsetList[] {
    const list = this.#rooms.get(roomId);
    return list === undefined ? [] : [list];
  }

  /** Publications of a user's *self*: the user's own and the broadcasts. */
  self(userId: string): readonly OffsetList[] {
    const list = this.#users.get(userId);
    return list === undefined ? [this.#all] : [list, this.#all];
  }

  /** How many targets are held. */
  get size(): number {
    return this.#rooms.size + this.#users.size;
  }
}

function listOf(lists: Map<string, OffsetList>, id: string): OffsetList {
  let list = lists.get(id);
  if (list === undefined) {
    list = new OffsetList();
    lists.set(id, list);
  }
  return list;
}

function evictFrom(lists: Map<string, OffsetList>, id: string, offset: number): void {
  const list = lists.get(id);
  if (list === undefined) return;
  list.evict(offset);
  if (list.size === 0) lists.delete(id);
}
