/** The version of this build, as hellos, registrations and logs say it; equal to package.json's. */
export const VERSION = "0.1.0";
