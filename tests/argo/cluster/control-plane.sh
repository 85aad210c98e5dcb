#!/usr/bin/env bash
# Starts a Kubernetes control plane with Argo Workflows, without Docker and without nodes, and waits until interrupted.
#   control-plane.sh FOLDER      (binaries, data, logs and kubeconfigs go there; building takes a while, once)
# Needs Go, etcd (on Debian: etcd-server) and openssl. README.md beside this file says what for.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
kubernetes=v1.34.4
argo=${ARGO_VERSION:-v4.0.5}
port=${PORT:-16443}

build() {
  export GOBIN="$folder/bin" CGO_ENABLED=0
  [ -x "$GOBIN/workflow-controller" ] ||
    go install -tags=kubernetes_protomessage_one_more_release "github.com/argoproj/argo-workflows/v4/cmd/workflow-controller@$argo"
  [ -x "$GOBIN/kube-apiserver" ] && [ -x "$GOBIN/kubectl" ] && return
  # Kubernetes cannot be installed by its path: its parts stand for folders of its repository. Name their releases.
  local source
  source=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  mkdir -p "$folder/build/apiserver" "$folder/build/kubectl"
  {
    printf 'module build\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$kubernetes"
    sed -n '/^replace (/,/^)/p' "$source/go.mod" | grep -oE '^\s+k8s.io/[a-z0-9-]+' |
      while read -r part; do echo "  $part => $part v0${kubernetes#v1}"; done
    echo ')'
  } > "$folder/build/go.mod"
  cp "$source/cmd/kube-apiserver/apiserver.go" "$folder/build/apiserver/main.go"
  cp "$source/cmd/kubectl/kubectl.go" "$folder/build/kubectl/main.go"
  (cd "$folder/build" && go mod tidy && go build -o "$GOBIN/kube-apiserver" ./apiserver && go build -o "$GOBIN/kubectl" ./kubectl)
}

kubeconfig() { # FILE TOKEN
  cat > "$1" <<END
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://127.0.0.1:$port", certificate-authority: $folder/certs/apiserver.crt}}]
users: [{name: me, user: {token: $2}}]
contexts: [{name: here, context: {cluster: here, user: me, namespace: jetstream}}]
current-context: here
END
}

build
export PATH="$folder/bin:$PATH"
mkdir -p "$folder/log" "$folder/etcd"
# The controller does not end as long as it waits for the API server, which ends, too.
trap 'kill -KILL ${controller:-} 2>/dev/null; kill $(jobs -p) 2>/dev/null' EXIT
etcd --data-dir "$folder/etcd" --listen-client-urls http://127.0.0.1:12379 --advertise-client-urls http://127.0.0.1:12379 \
  --listen-peer-urls http://127.0.0.1:12380 > "$folder/log/etcd" 2>&1 &
[ -f "$folder/sa.key" ] || openssl genrsa -out "$folder/sa.key" 2048 2> /dev/null
# Tokens for who may do everything, and for accounts of k8s/base, so that what their roles allow is tried as well.
cat > "$folder/tokens" <<END
admin,admin,admin,system:masters
planner,system:serviceaccount:jetstream:jetstream-planner,planner,"system:serviceaccounts,system:serviceaccounts:jetstream"
executor,system:serviceaccount:jetstream:jetstream-run,executor,"system:serviceaccounts,system:serviceaccounts:jetstream"
END
for who in admin planner executor; do kubeconfig "$folder/$who.kubeconfig" $who; done
# Debian's etcd cannot tell how far a watch is, which lists by watching need.
kube-apiserver --feature-gates WatchList=false --etcd-servers http://127.0.0.1:12379 --secure-port "$port" --bind-address 127.0.0.1 --cert-dir "$folder/certs" \
  --token-auth-file "$folder/tokens" --authorization-mode RBAC --service-cluster-ip-range 10.0.0.0/24 \
  --service-account-issuer https://here --service-account-key-file "$folder/sa.key" \
  --service-account-signing-key-file "$folder/sa.key" > "$folder/log/apiserver" 2>&1 &
export KUBECONFIG="$folder/admin.kubeconfig"
until kubectl get --raw /readyz > /dev/null 2>&1; do sleep 1; done
crds=$(go list -m -f '{{.Dir}}' "github.com/argoproj/argo-workflows/v4@$argo")/manifests/base/crds/full
for crd in "$crds"/argoproj.io_*.yaml; do kubectl apply --server-side -f "$crd"; done
kubectl wait --for condition=established crd --all --timeout 60s > /dev/null
kubectl apply -k "$here/../../../k8s/base"
kubectl -n jetstream create configmap workflow-controller-configmap --dry-run=client -o yaml | kubectl apply -f -
LEADER_ELECTION_DISABLE=true workflow-controller --kubeconfig "$KUBECONFIG" --namespaced --managed-namespace jetstream --namespace jetstream \
  --executor-image none > "$folder/log/controller" 2>&1 &
controller=$!
echo "ready: KUBECONFIG=$KUBECONFIG"
wait
