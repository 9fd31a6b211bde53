/** An option of a registry has a value that it cannot work with. */
export class RegistryOptionsError extends Error {
  override readonly name = "RegistryOptionsError";
}
