-- database.lua: a PostgreSQL host with one replica and a pool of clients.

local clients = "10.20.0.0/16"

return {
  {
    id = "db-is-up", severity = "error", title = "PostgreSQL does not listen",
    must_listen = {{lport = 5432, process = "postgres"}},
  }, {
    id = "db-inside", severity = "error", title = "PostgreSQL listens beyond its network",
    where = "exposed :5432 process = postgres and not laddr = " .. clients,
    message = "on {laddr}: listen_addresses says more than " .. clients,
    help = "Set listen_addresses to the address inside, and restart PostgreSQL.",
  }, {
    id = "db-clients", severity = "warning", title = "A client from an unknown place",
    where = "inbound lport = 5432 and not raddr = " .. clients,
    allow = {
      {raddr = "192.0.2.17", reason = "the replica at the other site", expires = "2027-03-31"},
    },
    message = "{raddr} is connected",
  }, {
    id = "db-crowded", severity = "note", title = "One client has many connections",
    where = "inbound lport = 5432",
    check = function(row, context)
      if not context.counts then
        context.counts = {}
        for _, other in ipairs(context.rows) do
          context.counts[other.raddr] = (context.counts[other.raddr] or 0) + 1
        end
      end
      local count = context.counts[row.raddr]
      context.counts[row.raddr] = 0 -- once for each client
      return count > 2, count
    end,
    message = function(row, count) return ("%s has %d"):format(row.raddr, count) end,
  },
}
