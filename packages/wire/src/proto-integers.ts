/** An integer of 2^53 or more stays so large, and a check for safe integers refuses it. */
export function toNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

export function toNumbers(
  values: Readonly<Record<string, bigint>> | undefined,
): Record<string, number> | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Number(value)]));
}

export function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
