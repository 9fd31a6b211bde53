/**
 * Inputs that once were answered wrongly, by target and seed. Every run begins with them. A change of what
 * a target makes of a seed makes its entries inputs like any other.
 */
export const CORPUS: Readonly<Record<string, readonly number[]>> = {
  // An `Expect` header that Node itself answered, with 417.
  upgrades: [3204],
};
