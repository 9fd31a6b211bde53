export const USAGE = `Usage: pushcast-deploy [apply] (--profile NAME | --config FILE | --manifests FOLDER) [options]
       pushcast-deploy status [options]
       pushcast-deploy delete --yes [options]

apply    Looks whether the cluster can take the manifests, applies them on the server's side, deletes
         what they have no more, waits for the rollouts and says what runs. It is the default.
status   Says what runs, and which nodes are registered.
delete   Deletes what apply has applied; the namespace, Secrets and etcd's volumes stay.

What to apply:
  --profile NAME       The manifests of charts/NAME: dev, prod
  --config FILE        Synthesized from a configuration of your own, over --profile (default: dev)
  --manifests FOLDER   The manifests of a folder, in the order of their names

Options of apply:
  --dry-run            Let the API server check everything, and change nothing
  --diff               The same, and show the fields that would change
  --exit-code          With --diff: end with 2 if anything would change
  --force-conflicts    Take over fields that others manage
  --patience TIME      How long a pod may be in trouble that looks lasting (default: 60s)

Options of delete:
  --yes                Needed; nothing else is asked
  --with-data          Delete etcd's volumes, too

Options of more than one:
  --namespace NAME     Where status and delete look (default: pushcast)
  --timeout TIME       How long apply and delete wait (default: 10m)
  --context NAME       A context of the kubeconfig (default: its current one)
  --kubeconfig FILE    (default: KUBECONFIG, else ~/.kube/config)
  -h, --help           Show this

TIME is a number of seconds, or has a unit: 90s, 10m, 1h.

Exit codes:
   0   Done
   1   The API server refused something, or the cluster cannot take the manifests
   2   --diff --exit-code found changes
   3   A rollout stalled, or the system is not well
  64   The arguments are wrong
  69   The API server cannot be reached
  77   The API server does not accept or allow the caller
  78   The kubeconfig or the manifests are missing or broken
`;
