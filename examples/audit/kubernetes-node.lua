-- kubernetes-node.lua: a worker node, by the ports that Kubernetes' reference "Ports and
-- Protocols" gives it (https://kubernetes.io/docs/reference/networking/ports-and-protocols/).

return {
  {
    id = "kubelet-is-up", severity = "error", title = "The kubelet does not listen",
    must_listen = {{lport = 10250, process = "kubelet"}},
  }, {
    id = "no-read-only-kubelet", severity = "error",
    title = "The kubelet answers without asking who it is",
    must_not_listen = "exposed tcp :10255",
    help = "Set readOnlyPort to 0.",
  }, {
    id = "node-only", severity = "warning",
    title = "Something listens that Kubernetes does not need",
    where = "exposed",
    only = {
      {"tcp", lport = 10250, process = "kubelet", reason = "the API of the kubelet"},
      {"tcp", lport = 10256, process = "kube-proxy", reason = "health of kube-proxy"},
      {lport = pi.range(30000, 32767), reason = "NodePort services"},
      {"tcp", lport = 22, process = "sshd", reason = "administration"},
      {"udp", lport = {4789, 8472, 51820}, owner = "none",
       reason = "the kernel's own: VXLAN and WireGuard of the network plugin"},
      {"tcp", lport = 179, process = "bird", reason = "routes of the network plugin"},
    },
  }, {
    id = "no-control-plane", severity = "error",
    title = "A worker runs a part of the control plane",
    must_not_listen = {"tcp :6443", "tcp :2379", "tcp :2380", "tcp :10257", "tcp :10259"},
  },
}
