import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

interface WatchCall {
  request: { service: string };
  on(event: "cancelled", listener: () => void): unknown;
  write(response: { status: string }): unknown;
  end(): void;
}

/** grpc.health.v1: the state of the whole server (service name "") and of each of its services. */
export class GrpcHealth {
  readonly #names: readonly string[];
  readonly #health: HealthImplementation;
  readonly #watches = new Set<WatchCall>();

  /** Not serving, until told. @param services full names */
  constructor(services: readonly string[]) {
    this.#names = ["", ...services];
    this.#health = new HealthImplementation();
    this.setServing(false);
  }

  setServing(serving: boolean): void {
    for (const name of this.#names) {
      this.#health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    }
  }

  addToServer(server: Server): void {
    this.#health.addToServer({
      addService: (definition, implementation) => {
        const watch = implementation.watch as (call: WatchCall) => void;
        const tracked = {
          ...implementation,
          watch: (call: WatchCall) => {
            this.#watches.add(call);
            call.on("cancelled", () => this.#watches.delete(call));
            // The library would keep every name that it was ever asked for.
            if (this.#names.includes(call.request.service)) watch(call);
            else call.write({ status: "SERVICE_UNKNOWN" });
          },
        };
        server.addService(
          definition as ServiceDefinition,
          tracked as unknown as UntypedServiceImplementation,
        );
      },
    });
  }

  /** Ends all Watch calls: they have no end of their own, and a graceful close would wait for it. */
  endWatches(): void {
    for (const call of this.#watches) call.end();
    this.#watches.clear();
  }
}
