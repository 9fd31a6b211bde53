import type { ClientState } from "@pushcast/client";
import type { ConnectFailure } from "./telling-socket.ts";

/** Expired, or revoked. */
const CLOSED_FOR_TOKEN = 4401;

export function stateJson(state: ClientState): object {
  switch (state.state) {
    case "connecting":
    case "resuming":
      return { type: "state", state: state.state };
    case "open": {
      const { sessionId, userId, nodeId } = state;
      return {
        type: "state",
        state: "open",
        session_id: sessionId,
        user_id: userId,
        node_id: nodeId,
      };
    }
    case "closed": {
      const { code, name, reason, retry } = state;
      const retryInMs = state.retry ? { retry_in_ms: Math.round(state.retryInMs) } : {};
      return { type: "state", state: "closed", code, name, reason, retry, ...retryInMs };
    }
  }
}

/** Undefined for what a person need not know. */
export function stateWords(
  state: ClientState,
  failure: ConnectFailure | undefined,
): string | undefined {
  switch (state.state) {
    case "connecting":
    case "resuming":
      return undefined;
    case "open":
      return `connected to ${state.nodeId} as ${state.userId}`;
    case "closed": {
      const said = failure?.kind === "refused" ? failure.code : failure?.message;
      const why = said || `${state.code} ${state.name}${state.reason && `: ${state.reason}`}`;
      if (!state.retry) return `connection ended: ${why}`;
      const when = `in ${(state.retryInMs / 1000).toFixed(1)} s`;
      // The same one is refused again, so nothing is promised.
      if (state.code === CLOSED_FOR_TOKEN) {
        return `the token is not taken any more; looking for a newer one ${when}`;
      }
      return `no connection (${why}); trying again ${when}`;
    }
  }
}
