/** What a frame or an answer says, in words for people. No DOM here. */

/** A delivery report: "2 nodes, 2 acknowledged, 1 matched, 1 session". */
export function reportInWords(report) {
  const words = [
    count(report.nodes_total, "node"),
    `${report.nodes_acked} acknowledged`,
    `${report.nodes_matched} matched`,
    count(report.sessions_delivered, "session"),
  ];
  if (report.sessions_lagging > 0) words.push(`${report.sessions_lagging} lagging`);
  return words.join(", ");
}

/** A node that did not acknowledge: "node-2: LINK_DOWN, connection refused". */
export function failureInWords({ node_id, reason, message }) {
  return message === "" ? `${node_id}: ${reason}` : `${node_id}: ${reason}, ${message}`;
}

/** Whom a message was for, as this user got it: "room lobby", "user ann", "everyone". */
export function targetInWords({ target, room }, userId) {
  if (target === "all") return "everyone";
  if (target === "room") return `room ${room}`;
  return room === undefined ? `user ${userId}` : `user ${userId} in room ${room}`;
}

/** A message's content as text. */
export function contentInWords({ content, content_type, encoding }) {
  if (encoding === "base64") return `${count(atob(content).length, "byte")} of ${content_type}`;
  if (typeof content === "string" && content_type.startsWith("text/")) {
    return content === "" ? "(empty)" : content;
  }
  return JSON.stringify(content);
}

export function latencyInWords(latencyMs) {
  return latencyMs < 1 ? "< 1 ms" : `${Math.round(latencyMs)} ms`;
}

/** A time of day with milliseconds. */
export function timeInWords(date) {
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(
    (part) => String(part).padStart(2, "0"),
  );
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The shell command that does the same push. */
export function shellLine(url, text) {
  // curl takes what follows an @ for a file's name.
  const option = text.startsWith("@") ? "--data-raw" : "-d";
  return `curl ${option} ${shellQuoted(text)} ${shellQuoted(url)}`;
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function count(number, noun) {
  return `${number} ${number === 1 ? noun : `${noun}s`}`;
}
