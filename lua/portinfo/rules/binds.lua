-- binds: listeners that stand in each other's way.

-- Do processes of one hold the other, too? nil if who holds them cannot be told.
local function same_program(a, b)
  if a.owner == "unknown" or b.owner == "unknown" then return nil end
  for _, one in ipairs(a.holders or {}) do
    for _, other in ipairs(b.holders or {}) do
      if one.process == other.process then return true end
    end
  end
  return false
end

-- A listener on every address takes what the other one's address would.
local function covers(wide, row)
  return wide.exposure == "wildcard" and wide.lport == row.lport and wide.proto == row.proto
    and wide.netns == row.netns
    and (wide.families == "4+6" or wide.families == row.families)
end

-- Wildcard listeners by port, found once.
local function wide_by_port(context)
  if not context.wide then
    context.wide = {}
    for _, row in ipairs(context.rows) do
      if row.exposure == "wildcard" then
        local list = context.wide[row.lport] or {}
        context.wide[row.lport] = list
        list[#list + 1] = row
      end
    end
  end
  return context.wide
end

return {
  {
    id = "shadowed-bind", severity = "warning", tags = {"reliability", "security"},
    title = "A listener on one address takes the connections of another on all addresses",
    where = "listening", evidence = {"holders"},
    check = function(row, context)
      if row.exposure == "wildcard" then return false end
      local open = false
      for _, wide in ipairs(wide_by_port(context)[row.lport] or {}) do
        if covers(wide, row) then
          local same = same_program(row, wide)
          if same == false then return true, wide end
          open = open or same == nil
        end
      end
      if open then return nil end
      return false
    end,
    message = function(row, wide)
      return ("whoever asks %s for port %d meets this one, and not %s on all addresses"):format(
        row.laddr, row.lport, wide.process or "the other")
    end,
    help = "If that is not meant, stop one of them. A program of another user can take the traffic "
      .. "of a service that way, passwords included.",
    reference = "socket(7), SO_REUSEADDR; https://cwe.mitre.org/data/definitions/605.html",
  },
}
