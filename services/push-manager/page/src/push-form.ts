import type { PushedMessage, PushMessage, PushTarget } from "@pushcast/push-manager/console";
import { byId, make } from "./dom.ts";
import { post, ServerError } from "./server.ts";
import { plural } from "./words.ts";

/** @param onTokenNeeded the push was refused for its token */
export function setUpPushForm(onTokenNeeded: (reason: string) => void): void {
  const form = byId("push-form", HTMLFormElement);
  const button = byId("push-button", HTMLButtonElement);
  const content = byId("content", HTMLTextAreaElement);
  const showTargets = () => {
    const { target } = read(form);
    byId("room-field", HTMLElement).hidden = target.kind === "all";
    byId("user-field", HTMLElement).hidden = target.kind !== "user";
    byId("room-label", HTMLElement).textContent =
      target.kind === "user" ? "In room (if only)" : "Room";
  };
  form.addEventListener("change", showTargets);
  showTargets();
  content.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    void push(read(form), onTokenNeeded).finally(() => {
      button.disabled = false;
    });
  });
}

function read(form: HTMLFormElement): PushMessage {
  const fields = new FormData(form);
  const text = (name: string) => String(fields.get(name) ?? "");
  return {
    target: target(text("target"), text("room"), text("user")),
    content: text("content"),
    contentType: text("content-type"),
    idempotencyKey: text("key"),
    ephemeral: fields.has("ephemeral"),
  };
}

function target(kind: string, roomId: string, userId: string): PushTarget {
  switch (kind) {
    case "user":
      return { kind, userId, roomId };
    case "all":
      return { kind };
    default:
      return { kind: "room", roomId };
  }
}

async function push(message: PushMessage, onTokenNeeded: (reason: string) => void): Promise<void> {
  const report = byId("report", HTMLElement);
  report.replaceChildren(make("p", "quiet", "Pushing …"));
  try {
    report.replaceChildren(...said(await post<PushedMessage>("/console/push", message)));
  } catch (error) {
    // It may have been pushed all the same, where the answer was cut off.
    const { code, message } =
      error instanceof ServerError ? error : { code: "NO_ANSWER", message: String(error) };
    report.replaceChildren(make("p", "bad", make("b", "", code), " ", message));
    if (error instanceof ServerError && error.needsToken) onTokenNeeded(message);
  }
}

function said({ messageId, report }: PushedMessage): Node[] {
  const { nodesTotal, nodesAcked, nodesMatched, sessionsDelivered } = report;
  const { nodesDuplicate, sessionsLagging, failures } = report;
  const words = [
    plural(nodesTotal, "node"),
    `${nodesAcked} acknowledged`,
    `${nodesMatched} matched`,
    plural(sessionsDelivered, "session"),
    ...(sessionsLagging > 0 ? [`${sessionsLagging} lagging`] : []),
    ...(nodesDuplicate > 0 ? [`${nodesDuplicate} had its key already`] : []),
  ];
  const failed = failures.map(({ nodeId, reason, message }) =>
    make("li", "", make("b", "", reason), ` ${nodeId}: ${message}`),
  );
  return [
    make("p", failures.length === 0 ? "good" : "", words.join(", ")),
    make("p", "quiet", "id ", make("code", "", messageId)),
    ...(failed.length > 0 ? [make("ul", "bad", ...failed)] : []),
  ];
}
