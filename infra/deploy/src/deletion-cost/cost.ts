/** Beyond the border of a step by this much, or the cost stays as it is. */
const MARGIN = 0.25;

/**
 * What it costs to delete a connect-node's pod, coarsely: it rises by one whenever the sessions
 * double. Who deletes pods wants to know which is the emptier one, not by how much.
 */
export function costOf(sessions: number): number {
  return Math.floor(Math.log2(sessions + 1));
}

/**
 * The cost that a pod should have now.
 *
 * @param current what it has; it stays while the sessions are near its step, so that clients who come
 *   and go do not change it to and fro
 */
export function nextCost(current: number, sessions: number): number {
  const from = 2 ** current * (1 - MARGIN);
  const to = 2 ** (current + 1) * (1 + MARGIN);
  const isNear = sessions + 1 >= from && sessions + 1 < to;
  return isNear ? current : costOf(sessions);
}
