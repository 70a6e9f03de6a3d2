-- sight.lua: what is to be said of an answer besides its rows: what could not be seen
-- or decided, and of when a reading is.

local escape = require "portinfo.escape"
local units = require "portinfo.units"

local plural = units.plural

local M = {}

local reasons = {
  permission = "for lack of permission", hidden = "as procfs hides processes",
  vanished = "as the holder ended meanwhile",
  ["other-pid-namespace"] = "as another pid namespace may hold it",
}

-- What would show the owners that are unknown for a reason.
local remedies = {
  permission = "portinfo doctor tells how to see more",
  hidden = "to see more, run as root, or mount procfs without hidepid",
  vanished = "to see what is there now, ask again",
  ["other-pid-namespace"] = "to see more, ask in the pid namespace of the host",
}

-- The protocols of which it is not known whether the host has any, with the reason.
local function untold_protocols(quality)
  local list, seen = {}, {}
  for _, source in ipairs(quality.sources) do
    if source.untold then
      if not seen[source.proto] then list[#list + 1] = source.proto end
      seen[source.proto], list.error = true, source.error
    end
  end
  return #list > 0 and list or nil
end

-- How the sources of a reading fell short.
local function source_lines(quality, lines)
  local untold = untold_protocols(quality)
  if untold then
    lines[#lines + 1] = ("whether there are sockets of %s was not told: %s"):format(
      table.concat(untold, ", "), escape(untold.error))
  end
  for _, source in ipairs(quality.sources) do
    local what = source.proto .. " over " .. source.family
    if source.untold then
      goto continue -- said above
    elseif source.backend == "none" and not source.absent then
      lines[#lines + 1] = ("%s could not be read: %s"):format(what, escape(source.error))
    elseif source.backend == "proc" and source.error then -- asked for, it has none
      lines[#lines + 1] = ("%s was read from the proc table%s (sock_diag: %s)"):format(what,
        source.no_bound and ", which lacks bound sockets" or "", escape(source.error))
    end
    if source.partial then
      lines[#lines + 1] = what .. " could not be read whole: rows may be missing"
    end
    ::continue::
  end
end

-- The namespaces that a reading does not tell of, or not all of; adds to the lines.
function M.add_namespaces(quality, lines)
  if quality.closed > 0 then
    lines[#lines + 1] = ("%s could not be entered: rows are missing"):format(
      plural(quality.closed, "network namespace"))
  end
  if quality.outside > 0 then
    lines[#lines + 1] = ("%s read from outside: sockets without a process are missing"):format(
      plural(quality.outside, "network namespace"))
  end
  if quality.unlisted then
    lines[#lines + 1] = "processes, and their network namespaces, may be hidden from us"
  end
  if quality.untold > 0 then
    lines[#lines + 1] = ("the network namespace of %s was not told"):format(
      plural(quality.untold, "process", "processes"))
  end
end

local function owner_line(reason, n, quality)
  local said = ("%s unknown %s"):format(plural(n, "owner"), reasons[reason] or reason)
  if reason ~= "permission" or quality.unreadable == 0 then return said end
  return ("%s: %s could not be read"):format(said,
    plural(quality.unreadable, "process", "processes"))
end

local function sorted_keys(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- What could not be seen of the selected rows, a line for each reason. `owners`:
-- how many are unknown, by reason, if it is not these rows that count.
function M.blind_spots(selection, owners)
  local lines, quality = {}, selection:snapshot():quality()
  source_lines(quality, lines)
  M.add_namespaces(quality, lines)
  if not quality.processes then return lines end -- owners were not asked for
  if quality.obstacle then
    lines[#lines + 1] = "owners are by procfs, as BPF was refused: " .. escape(quality.obstacle)
  end
  if quality.owners_unseen then
    lines[#lines + 1] = quality.owners_error
      and "not all processes could be looked at: " .. quality.owners_error
      or "no process could be looked at: procfs is not there"
    return lines
  end
  local counts = owners or selection:unknown_owners()
  for _, reason in ipairs(sorted_keys(counts)) do
    lines[#lines + 1] = owner_line(reason, counts[reason], quality)
  end
  return lines
end

-- What would show the owners that are unknown, a line for each way. A reading that was
-- kept shows no more, whoever asks.
function M.remedies(selection, owners)
  local lines = {}
  if selection:snapshot():loaded() then return lines end
  for _, reason in ipairs(sorted_keys(owners or selection:unknown_owners())) do
    lines[#lines + 1] = remedies[reason]
  end
  return lines
end

-- Are there namespaces, of those that were asked for, of which it may not tell all?
function M.misses_namespaces(quality)
  return quality.unlisted or quality.closed + quality.outside + quality.untold > 0
end

-- The sources that did not tell all they have: a set of names.
function M.short_sources(quality)
  local short = {}
  for _, source in ipairs(quality.sources) do
    if source.partial or source.backend == "none" and not source.absent then
      short[source.proto .. " over " .. source.family] = true
    end
  end
  return short
end

-- Are there sockets that the sources of this reading may not have told?
function M.misses_rows(selection)
  local quality = selection:snapshot():quality()
  if M.misses_namespaces(quality) or next(M.short_sources(quality)) then return true end
  for _, source in ipairs(quality.sources) do
    if source.no_bound then return true end
  end
  return false
end

-- What keeps owners of a reading unknown; nil if nothing is known to.
function M.obstacle(snapshot)
  local quality = snapshot:quality()
  if quality.owners_unseen then return "not all processes could be looked at" end
  if (quality.unreadable or 0) == 0 then return nil end
  return plural(quality.unreadable, "process", "processes") .. " could not be read"
end

-- Why rows could not be decided, in one line.
function M.undecided(selection)
  local obstacle = M.obstacle(selection:snapshot())
  return plural(selection:undecided(), "row") .. " undecided"
    .. (obstacle and ": " .. obstacle or "")
end

-- When a reading that was loaded was read, and what it was asked for; nil of others.
function M.read_when(snapshot, now)
  if not snapshot:loaded() then return nil end
  local taken, filter = snapshot:quality().taken, snapshot:filter()
  return ("read %s, %s%s"):format(os.date("%F %T", taken),
    units.ago((now or os.time()) - taken), filter and ", asked for: " .. escape(filter) or "")
end

return M
