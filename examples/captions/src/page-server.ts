import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterNode } from "./cluster.ts";
import { roomOf, type Talk } from "./talk.ts";

/** What the page asks for first. */
export interface SessionInfo {
  /** The reader's user id, a new one for each page. */
  readonly userId: string;
  readonly tracks: readonly {
    readonly lang: string;
    readonly title: string;
    readonly room: string;
  }[];
  readonly nodes: readonly ClusterNode[];
}

/** What the page shows, and to whom it talks. */
export interface PageContent {
  readonly talk: Talk;
  readonly nodes: readonly ClusterNode[];
  /** A reader has begun to read a language. */
  readonly onReader: (userId: string, lang: string) => Promise<void>;
}

/** The port of the page is taken. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

const FILES: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  "/": { name: "index.html", type: "text/html; charset=utf-8" },
  "/icon.svg": { name: "icon.svg", type: "image/svg+xml" },
  "/style.css": { name: "style.css", type: "text/css; charset=utf-8" },
  "/page.js": { name: "page.js", type: "text/javascript; charset=utf-8" },
  "/captions-view.js": { name: "captions-view.js", type: "text/javascript; charset=utf-8" },
  "/connection.js": { name: "connection.js", type: "text/javascript; charset=utf-8" },
  "/feed.js": { name: "feed.js", type: "text/javascript; charset=utf-8" },
  "/subscription.js": { name: "subscription.js", type: "text/javascript; charset=utf-8" },
};
const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws://127.0.0.1:*",
  "X-Content-Type-Options": "nosniff",
};
const READER_PATH = /^\/readers\/(reader-[0-9a-f]{8})\/languages\/([A-Za-z0-9-]{1,40})$/;

/** The biz-server's web side: the page, who its reader is, and what they read. */
export class PageServer {
  #content: PageContent | undefined;
  readonly #server: Server;

  /**
   * Takes the port, on loopback; 0 is any free one. Until `serve` is called, all is answered 503.
   *
   * @throws PortTakenError
   */
  static async listen(port: number): Promise<PageServer> {
    const page = new PageServer();
    page.#server.listen(port, "127.0.0.1");
    try {
      await once(page.#server, "listening");
    } catch (cause) {
      const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
      if (!isTaken) throw cause;
      throw new PortTakenError(`port ${port} is taken: choose one with --port`, { cause });
    }
    return page;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        send(response, 500, "text/plain", String(error));
      });
    });
  }

  serve(content: PageContent): void {
    this.#content = content;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "" } = request;
    const [path = ""] = url.split("?", 1);
    const file = FILES[path];
    const [, userId, lang] = READER_PATH.exec(path) ?? [];
    if (this.#content === undefined) {
      send(response, 503, "text/plain", "starting");
    } else if (method === "GET" && file !== undefined) {
      const body = await readFile(new URL(`../page/${file.name}`, import.meta.url));
      send(response, 200, file.type, body);
    } else if (method === "GET" && path === "/session.json") {
      send(response, 200, "application/json", JSON.stringify(sessionInfo(this.#content)));
    } else if (method === "POST" && userId !== undefined && lang !== undefined) {
      await this.#content.onReader(userId, lang);
      response.writeHead(204, HEADERS).end();
    } else {
      send(response, 404, "text/plain", "not found");
    }
  }
}

/** For a reader who is new. */
function sessionInfo({ talk, nodes }: PageContent): SessionInfo {
  return {
    userId: `reader-${randomBytes(4).toString("hex")}`,
    tracks: talk.tracks.map(({ lang, title }) => ({ lang, title, room: roomOf(talk.id, lang) })),
    nodes,
  };
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": type }).end(body);
}
