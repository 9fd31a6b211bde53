/** The typed objects of the Kubernetes API. Here alone stands which release's they are. */
export { k8s } from "cdk8s-plus-28";
