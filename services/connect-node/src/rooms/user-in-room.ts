/** A user and a room as one key. Ids have no control characters. */
export function userInRoom(userId: string, room: string): string {
  return `${userId}\n${room}`;
}
