import type { Intake } from "./intake.ts";
import type { ManagerLink } from "./manager-link.ts";

/** The managers' links to this node: at most one of each epoch. */
export class ManagerLinks {
  readonly #intake: Intake;
  readonly #links = new Set<ManagerLink>();
  #closing = false;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** Links whose manager has said its epoch. */
  get attached(): number {
    let attached = 0;
    for (const link of this.#links) if (link.epoch !== undefined) attached += 1;
    return attached;
  }

  /** Whether a manager is attached and has brought what it had then. */
  hasCaughtUp(epoch: string): boolean {
    for (const link of this.#links) if (link.epoch === epoch && link.hasCaughtUp) return true;
    return false;
  }

  add(link: ManagerLink): void {
    this.#links.add(link);
  }

  /** A link has said its epoch. An older one of the same manager is dead, or will soon be. */
  attachedAs(link: ManagerLink): void {
    for (const other of this.#links) {
      if (other !== link && other.epoch === link.epoch) {
        other.end("replaced by a newer stream of the same manager");
        this.#links.delete(other);
      }
    }
    if (this.#closing) setImmediate(() => link.close());
  }

  remove(link: ManagerLink): void {
    if (!this.#links.delete(link)) return;
    link.ended();
    if (link.epoch !== undefined) this.#intake.detach(link.epoch);
  }

  /** Tells every manager that this node stops. */
  closeAll(): void {
    this.#closing = true;
    for (const link of this.#links) link.close();
  }

  endAll(): void {
    for (const link of [...this.#links]) {
      link.end();
      this.remove(link);
    }
  }
}
