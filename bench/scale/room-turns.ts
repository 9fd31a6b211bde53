/** Which room a push goes to: one after another, some of them among those without members. */
export class RoomTurns {
  readonly #through: number[];
  #withoutMembers = 0;
  #pushed = 0;
  #due = 0;

  /** @param rooms with members; as many others follow them */
  constructor(rooms: number) {
    this.#through = Array.from({ length: rooms }, () => 0);
  }

  /** For each room with members, one above the number of its last push. */
  get through(): readonly number[] {
    return this.#through;
  }

  /** @param memberShare how many of the pushes go to rooms with members, from 0 to 1 */
  next(memberShare: number): { readonly room: number; readonly n: number } {
    const rooms = this.#through.length;
    this.#due += memberShare;
    if (this.#due < 1) {
      this.#withoutMembers += 1;
      return { room: rooms + (this.#withoutMembers % rooms), n: 0 };
    }
    this.#due -= 1;
    const room = this.#pushed % rooms;
    const n = this.#through[room] ?? 0;
    this.#through[room] = n + 1;
    this.#pushed += 1;
    return { room, n };
  }
}
