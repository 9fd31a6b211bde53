/** Served beside the page's own modules, from the package. */
export { default } from "uplot";
