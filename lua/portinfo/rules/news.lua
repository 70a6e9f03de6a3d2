-- news: what was not there when the baseline was written.

return {
  {
    id = "new-listener", severity = "warning", tags = {"baseline"}, baseline = true,
    title = "Something listens that the baseline does not hold", only = {},
    message = "it was not there when the baseline was written, or was another program's",
    help = "Find out who started it. If it is to stay, add it to the baseline with a reason, or "
      .. "write that anew: portinfo audit --write-baseline FILE.",
    reference = "https://attack.mitre.org/techniques/T1571/",
  },
}
