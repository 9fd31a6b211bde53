import { setTimeout as sleep } from "node:timers/promises";
import {
  FetchError,
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  RequestContext,
  type ResponseContext,
} from "@kubernetes/client-node";
import { ApiError } from "./api-error.ts";
import { DeployError, ExitCode } from "./deploy-error.ts";
import type { Access } from "./kubeconfig.ts";

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 5;
const MAX_RETRY_AFTER_S = 10;

export type Method = keyof typeof HttpMethod & ("GET" | "POST" | "PUT" | "PATCH" | "DELETE");

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  /** @default 30000 */
  readonly timeoutMs?: number;
}

export interface ApiAnswer {
  /** Of HTTP, below 400. */
  readonly status: number;
  readonly text: string;
}

/**
 * Requests to an API server. Credentials, TLS and proxies are the client library's part; objects are
 * sent and read as plain JSON, because its models drop the fields that they do not know.
 */
export class KubeApi {
  readonly #access: Access;
  readonly #http = new IsomorphicFetchHttpLibrary();

  constructor(access: Access) {
    this.#access = access;
  }

  /**
   * Sends a request; again where the server is busy and says when.
   * @throws ApiError for an answer from 400 on
   * @throws DeployError if there is none, or there are no credentials to ask with
   */
  async request(method: Method, path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(method, path, request);
      const { httpStatusCode: status, headers } = response;
      const text = await this.#reach(() => response.body.text());
      if (status < 400) return { status, text };
      const retryAfterS = Number(headers["retry-after"]);
      const isBusy = status === 429 || status >= 500;
      if (!isBusy || !(retryAfterS >= 0) || attempt === MAX_ATTEMPTS) {
        throw new ApiError(status, text);
      }
      await sleep(Math.min(retryAfterS, MAX_RETRY_AFTER_S) * 1000);
    }
  }

  /**
   * {@link request} for an object or a list, as the server has it.
   * @typeParam Body may be a type of the client library, but for its dates, which are strings here
   */
  async json<Body>(method: Method, path: string, request?: ApiRequest): Promise<Body> {
    const { text } = await this.request(method, path, request);
    try {
      return JSON.parse(text) as Body;
    } catch (error) {
      throw new DeployError(
        ExitCode.UNREACHABLE,
        `${this.#access.server} answers ${path} with something that is not JSON: is it a Kubernetes API server?`,
        { cause: error },
      );
    }
  }

  async #send(method: Method, path: string, request: ApiRequest): Promise<ResponseContext> {
    const context = new RequestContext(`${this.#access.server}${path}`, HttpMethod[method]);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      context.setQueryParam(name, value);
    }
    context.setHeaderParam("Accept", "application/json, */*;q=0.8");
    if (request.body !== undefined) {
      context.setHeaderParam("Content-Type", request.contentType ?? "application/json");
      context.setBody(JSON.stringify(request.body));
    }
    context.setSignal(AbortSignal.timeout(request.timeoutMs ?? REQUEST_TIMEOUT_MS));
    await this.#authenticate(context);
    return this.#reach(() => this.#http.send(context).toPromise());
  }

  async #authenticate(context: RequestContext): Promise<void> {
    try {
      await this.#access.kubeConfig.applySecurityAuthentication(context);
    } catch (error) {
      const { user, context: name } = this.#access;
      throw new DeployError(
        ExitCode.CONFIG,
        `no credentials for the user "${user}" of the context "${name}": ${(error as Error).message.trim()}`,
        { cause: error },
      );
    }
  }

  async #reach<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      const { server, context } = this.#access;
      throw new DeployError(
        ExitCode.UNREACHABLE,
        `the API server ${server} of the context "${context}" cannot be reached: ${whyUnreachable(error)}`,
        { cause: error },
      );
    }
  }
}

/** There was no answer; there may be one to the next request. */
export function isUnreachable(error: unknown): error is DeployError {
  return error instanceof DeployError && error.exitCode === ExitCode.UNREACHABLE;
}

/** The API server is away, or not itself: the same request may do a little later. */
export function isPassing(error: unknown): error is Error {
  const reason = error instanceof DeployError && error.cause ? error.cause : error;
  return isUnreachable(error) || (reason instanceof ApiError && reason.status >= 500);
}

function whyUnreachable(error: unknown): string {
  const { name, message } = error as Error;
  if (name === "AbortError") return "no answer in time";
  if (!(error instanceof FetchError)) return message;
  switch (error.code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its name cannot be resolved";
    default:
      return message.replace(/^request to \S+ failed, reason: /, "");
  }
}
