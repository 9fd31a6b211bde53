import { z } from "zod";
import { bytesOf } from "../lib/quantities.ts";

/** A name that Kubernetes takes for anything: a DNS label. */
export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be a DNS label, such as push-1");

/** A name with dots, such as a Secret's or a host's. */
export const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a DNS name, such as push.example.com");

/** Memory or storage, such as `512Mi`. */
const NO_BYTES = 'must be a quantity of bytes, such as "512Mi"';
export const bytes = z.string(NO_BYTES).refine((text) => (bytesOf(text) ?? 0) > 0, NO_BYTES);

/** Processor time, such as `500m` or `2`. */
const NO_CPUS = 'must be a quantity of CPUs, such as "500m" or "2"';
export const cpu = z.string(NO_CPUS).regex(/^([1-9]\d*m?|\d+\.\d+)$/, NO_CPUS);

/** An image with a tag or digest that says which one; `latest` is whatever was pushed last. */
export const image = z
  .string()
  .regex(
    /^[\w./:-]+?(:(?!latest$)[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/,
    "must be an image with a tag other than latest, or with a digest",
  );

const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
    "must be a label's key, such as example.com/team",
  );

/** Labels, for objects or to select them. */
export const labels = z.record(
  labelKey,
  z
    .string()
    .max(63)
    .regex(/^([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$/, "must be a label's value"),
);

export const annotations = z.record(labelKey, z.string());

/** A key of a Secret in the namespace. */
export const secretKey = z.strictObject(
  {
    name: dnsName.describe("The Secret."),
    key: z
      .string()
      .regex(/^[-\w.]+$/, "must be a Secret's key")
      .describe("The key in it."),
  },
  "must be { name, key }, of a Secret",
);

/** Addresses, of IPv4 or IPv6. */
export const cidr = z.union(
  [z.cidrv4(), z.cidrv6()],
  "must be a range of addresses, such as 10.0.0.0/8",
);
