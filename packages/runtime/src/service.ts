/**
 * What a process, or an embedding process, runs. Creating one opens nothing: no port, no timer.
 *
 * @typeParam Ready what it tells when it is up
 */
export interface Service<Ready> {
  /**
   * Starts it.
   * @returns once all its ports listen
   * @throws ListenError, or whatever keeps it from starting; or anything after `stop()`
   */
  start(): Promise<Ready>;
  /**
   * Stops it in good order, for example by a drain. May be called at any time, also while `start()`
   * is under way; then that ends soon, in any way. May be called again.
   * @returns once nothing of it is left
   */
  stop(): Promise<void>;
  /** Milliseconds within which `stop()` is done, or something is wrong. */
  readonly stopLimitMs: number;
}
