/** What an error of Node's network says, on one line. */
export function errorWords(error: unknown): string {
  // One for each address that was tried; its own message is empty.
  const [known = error] = error instanceof AggregateError ? error.errors : [];
  const { code, message } = known as NodeJS.ErrnoException;
  // OpenSSL's texts name functions and lines of its sources.
  const [, reason] = /SSL routines:[^:]*:(.*?):/.exec(message) ?? [];
  if (reason !== undefined) return reason;
  return code !== undefined && !message.includes(code) ? `${code}: ${message}` : message;
}
