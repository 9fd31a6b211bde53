import type {
  TailedPublication,
  TailMessage,
  TailNodeMessage,
  TailWaitingMessage,
} from "@pushcast/push-manager/console";
import { byId, make } from "./dom.ts";
import { Feed } from "./feed.ts";
import { bytes, plural, prettyJson, timeOfDay } from "./words.ts";

/** Of older ones the oldest goes. */
const MAX_SHOWN = 200;

/** Reads along in the room that is asked for. */
export function setUpTail(onTokenNeeded: (reason: string) => void): void {
  const form = byId("tail-form", HTMLFormElement);
  const room = byId("tail-room", HTMLInputElement);
  const button = byId("tail-button", HTMLButtonElement);
  const list = byId("tail", HTMLOListElement);
  const status = byId("tail-status", HTMLElement);
  let feed: Feed | undefined;

  const stop = (reason: string) => {
    feed?.close();
    feed = undefined;
    button.textContent = "Follow";
    room.readOnly = false;
    status.textContent = reason;
  };
  const follow = () => {
    list.replaceChildren();
    button.textContent = "Stop";
    room.readOnly = true;
    status.textContent = "connecting …";
    feed = new Feed(`/console/tail?room=${encodeURIComponent(room.value)}`, {
      onEvent: (name, data) => {
        if (name === "node") {
          status.textContent = `following, on ${(data as TailNodeMessage).nodeId}`;
        } else if (name === "waiting") {
          status.textContent = `waiting for a node: ${(data as TailWaitingMessage).reason}`;
        } else if (name === "publications") {
          show(list, data as TailMessage);
        }
      },
      onDown: (reason) => {
        status.textContent = `${reason}; trying again`;
      },
      onRefused: (error) => {
        stop(error.message);
        if (error.needsToken) onTokenNeeded(error.message);
      },
    });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (feed === undefined) follow();
    else stop("stopped");
  });
}

/** The newest first. */
function show(list: HTMLOListElement, { publications, skipped }: TailMessage): void {
  const items = publications.map(item);
  if (skipped > 0) {
    items.push(make("li", "skipped", `${plural(skipped, "message")} left out: more than is shown`));
  }
  list.prepend(...items.reverse());
  while (list.children.length > MAX_SHOWN) list.lastElementChild?.remove();
}

function item(publication: TailedPublication): HTMLLIElement {
  const { id, atMs, contentType, kind, shown, cut, contentBytes } = publication;
  const { ephemeral, userIds, userCount, excludedCount } = publication;
  const facts = [
    contentType || "text/plain",
    bytes(contentBytes),
    ...(ephemeral ? ["ephemeral"] : []),
    ...(userCount > 0 ? [`only for ${names(userIds, userCount)}`] : []),
    ...(excludedCount > 0 ? [`not for ${plural(excludedCount, "user")}`] : []),
  ];
  const content = kind === "json" && !cut ? prettyJson(shown) : shown;
  const more = cut ? [make("span", "quiet", " … cut")] : [];
  return make(
    "li",
    "",
    make(
      "p",
      "facts",
      make("time", "", timeOfDay(atMs)),
      " ",
      make("span", "", facts.join(" · ")),
      " ",
      make("code", "", id),
    ),
    make("pre", kind, content, ...more),
  );
}

function names(userIds: readonly string[], count: number): string {
  const others = count - userIds.length;
  return others === 0 ? userIds.join(", ") : `${userIds.join(", ")} and ${others} more`;
}
