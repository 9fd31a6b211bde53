export { FakeClock } from "./fake-clock.ts";
export { FakeNetwork } from "./fake-network.ts";
export type { FakeContent, FakePushOptions } from "./fake-publication.ts";
export { FakeServer } from "./fake-server.ts";
