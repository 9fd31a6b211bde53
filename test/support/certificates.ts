import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface CertificateOptions {
  /** DNS names, beside the loopback address. */
  readonly dnsNames: readonly string[];
  /** IP addresses, beside the loopback address. @default none */
  readonly addresses?: readonly string[];
  /** @default the first DNS name */
  readonly commonName?: string;
  /** It ended yesterday. @default false */
  readonly expired?: boolean;
}

/** A certificate authority of one test, made by openssl in a folder of its own. */
export class TestCa {
  readonly folder: string;
  readonly cert: string;
  readonly #key: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.cert = join(folder, "ca.crt");
    this.#key = join(folder, "ca.key");
  }

  static async create(): Promise<TestCa> {
    const ca = new TestCa(await mkdtemp(join(tmpdir(), "pushcast-ca-")));
    await newKey(ca.#key);
    await openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      ca.#key,
      "-out",
      ca.cert,
      "-days",
      "2",
      "-subj",
      "/CN=test CA",
    );
    return ca;
  }

  async issue({
    dnsNames,
    addresses = [],
    commonName,
    expired = false,
  }: CertificateOptions): Promise<CertificateFiles> {
    const base = join(this.folder, randomBytes(4).toString("hex"));
    const [cert, key, request, extensions] = ["crt", "key", "csr", "ext"].map(
      (end) => `${base}.${end}`,
    ) as [string, string, string, string];
    await newKey(key);
    const subject = `/CN=${commonName ?? dnsNames[0] ?? "nobody"}`;
    await openssl("req", "-new", "-key", key, "-out", request, "-subj", subject);
    const names = [
      ...dnsNames.map((name) => `DNS:${name}`),
      ...["127.0.0.1", ...addresses].map((address) => `IP:${address}`),
    ];
    await writeFile(extensions, `subjectAltName=${names.join()}\n`);
    const days = expired ? "-1" : "2";
    await openssl(
      ...["x509", "-req", "-in", request, "-CA", this.cert, "-CAkey", this.#key, "-out", cert],
      ...[
        "-days",
        days,
        "-extfile",
        extensions,
        "-set_serial",
        String(randomBytes(4).readUInt32BE()),
      ],
    );
    return { cert, key, ca: this.cert };
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** Certificate, key and CA in a folder whose contents are swapped at once, as Kubernetes does it. */
export class MountedCertificate implements CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.cert = join(folder, "data", "tls.crt");
    this.key = join(folder, "data", "tls.key");
    this.ca = join(folder, "data", "ca.crt");
  }

  static async create(files: CertificateFiles): Promise<MountedCertificate> {
    const mounted = new MountedCertificate(await mkdtemp(join(tmpdir(), "pushcast-tls-")));
    await mounted.swap(files);
    return mounted;
  }

  async swap(files: CertificateFiles): Promise<void> {
    const version = await mkdtemp(join(this.#folder, "version-"));
    await writeFile(join(version, "tls.crt"), await readFile(files.cert));
    await writeFile(join(version, "tls.key"), await readFile(files.key));
    await writeFile(join(version, "ca.crt"), await readFile(files.ca));
    await symlink(version, join(this.#folder, "next"));
    await rename(join(this.#folder, "next"), join(this.#folder, "data"));
  }

  /** The settings of a service that uses it. */
  get settings(): Readonly<Record<string, string>> {
    return tlsSettings(this);
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

/** The settings of a service that uses these files. */
export function tlsSettings({ cert, key, ca }: CertificateFiles): Readonly<Record<string, string>> {
  return { GRPC_TLS_CERT_FILE: cert, GRPC_TLS_KEY_FILE: key, GRPC_TLS_CA_FILE: ca };
}

function newKey(file: string): Promise<void> {
  return openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file);
}

async function openssl(...args: readonly string[]): Promise<void> {
  await run("openssl", args);
}
