import { type Client, type ClientState, type ConnectOptions, connect } from "@pushcast/client";
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";

/** The client of everything below; undefined until it is there. */
export const PushcastContext = createContext<Client | undefined>(undefined);

/**
 * A connection for as long as the component is there. One for the whole app is enough: hand it down by
 * `PushcastContext`.
 * @param options those of the first render count; for another user, give the component another `key`
 */
export function usePushcast(options: ConnectOptions): Client | undefined {
  const [initial] = useState(options);
  const [client, setClient] = useState<Client>();
  useEffect(() => {
    const connected = connect(initial);
    setClient(connected);
    return () => {
      connected.close();
      setClient(undefined);
    };
  }, [initial]);
  return client;
}

const CONNECTING: ClientState = { state: "connecting" };

/** How the connection is now. */
export function usePushcastState(): ClientState {
  const client = useContext(PushcastContext);
  return useSyncExternalStore(
    (changed) => client?.on("state", changed) ?? (() => {}),
    () => client?.state ?? CONNECTING,
    // On a server nothing connects.
    () => CONNECTING,
  );
}
