/** Where each part listens; 0 is any free port. */
export interface DevPorts {
  readonly manager: { readonly grpc: number; readonly ops: number };
  /** One connect-node each, at least one. The first also serves the page. */
  readonly nodes: readonly { readonly ws: number; readonly grpc: number; readonly ops: number }[];
}

/** Where people and programs expect them. */
export const DEV_PORTS: DevPorts = {
  manager: { grpc: 50051, ops: 9100 },
  nodes: [
    { ws: 8080, grpc: 50052, ops: 9101 },
    { ws: 8081, grpc: 50053, ops: 9102 },
  ],
};

/** Any that are free, for a second system on one machine and for tests. */
export const FREE_PORTS: DevPorts = {
  manager: { grpc: 0, ops: 0 },
  nodes: [
    { ws: 0, grpc: 0, ops: 0 },
    { ws: 0, grpc: 0, ops: 0 },
  ],
};
