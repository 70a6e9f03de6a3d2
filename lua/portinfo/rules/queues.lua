-- queues: listeners that do not keep up.

return {
  {
    id = "accept-queue", severity = "warning", tags = {"reliability"},
    title = "A listener's accept queue is nearly full",
    where = "state = listen rxq > 0",
    check = function(row) return row.txq > 0 and row.rxq >= 0.8 * row.txq end,
    message = "{rxq} connections wait to be accepted, of {txq} that have room: others are "
      .. "dropped",
    help = "The program accepts too slowly: see what it waits for. Then raise the backlog it gives "
      .. "to listen(2), and net.core.somaxconn.",
    reference = "listen(2)",
  },
}
