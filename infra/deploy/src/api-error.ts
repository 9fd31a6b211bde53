import { DeployError, ExitCode } from "./deploy-error.ts";

/** A field that the API server objects to. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** An answer of the API server that is no success, as its `Status` object says it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Of HTTP. */
  readonly status: number;
  readonly problems: readonly FieldProblem[];

  constructor(status: number, text: string) {
    const said = readStatus(text);
    super(said.message);
    this.status = status;
    this.problems = said.problems;
  }
}

/** The object, or what an object is for, is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The caller may not do it. */
export function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}

/**
 * What an answer of the API server means to a person.
 *
 * @param subject what the request was about: `Deployment connect-node`
 * @returns the error as it is, if it is none of the API server's
 */
export function explain(subject: string, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const refusesCaller = error.status === 401 || error.status === 403;
  return new DeployError(
    refusesCaller ? ExitCode.FORBIDDEN : ExitCode.REFUSED,
    `${subject}: ${meaning(error)}`,
    { details: error.problems.map(({ field, message }) => `${field}: ${message}`), cause: error },
  );
}

/** Without the fields where they stand below it. */
function meaning({ status, message, problems }: ApiError): string {
  switch (status) {
    case 401:
      return `the API server does not accept these credentials (401): ${message}`;
    case 403:
      return `forbidden (403): ${message}`;
    case 404:
      return `not found (404): ${message}`;
    case 409:
      return problems.length === 0
        ? `conflict (409): ${message}`
        : "conflict (409): others manage these fields; --force-conflicts takes them over";
    case 422:
      return problems.length === 0 ? `invalid (422): ${message}` : "invalid (422)";
    default:
      return `the API server answered ${status}: ${message}`;
  }
}

/** The parts of `meta/v1.Status` that say what went wrong. */
interface StatusBody {
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly field?: string; readonly message?: string }[];
  };
}

const LONGEST_FOREIGN_TEXT = 200;

function readStatus(text: string): { message: string; problems: FieldProblem[] } {
  let body: StatusBody | null;
  try {
    body = JSON.parse(text) as StatusBody | null;
  } catch {
    // Of a proxy on the way, or no Kubernetes at all.
    return { message: text.trim().slice(0, LONGEST_FOREIGN_TEXT), problems: [] };
  }
  const problems = (body?.details?.causes ?? []).flatMap(({ field, message }) =>
    field === undefined ? [] : [{ field: field.replace(/^\./, ""), message: message ?? "" }],
  );
  return { message: body?.message ?? "", problems };
}
