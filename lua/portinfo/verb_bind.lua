-- verb_bind.lua: free, which finds ports that can be bound, and why, which tells why one
-- cannot.

local call = require "portinfo.call"
local free = require "portinfo.free"
local later = require "portinfo.later"
local place = require "portinfo.place"
local port = require "portinfo.verb_port"

local json, reasons = later "json", later "why"
local mistake, write, remark = call.mistake, call.write, call.remark

local M = {}

-- Where --udp and --addr want a socket to be bound.
local function place_of(options)
  local where, message = place.new(options.udp and "udp" or "tcp", options.address)
  if not where then mistake("%s", message) end
  return where
end

-- A port that can be bound: 0 asks for any.
local function check_bindable(number)
  if number == 0 then mistake "0 is no port to bind: it asks the kernel for any" end
  return number
end

-- What `free` is asked for: 3000, or 8000-8100, also as 8000..8100.
local function free_range(word)
  if not word then return free.range() end
  local first, last = word:match "^(%d+)%-(%d+)$"
  if not first then first, last = word:match "^(%d+)%.%.(%d+)$" end
  if not first then
    if not word:find "^%-?%d+$" then
      mistake("'%s' is no port and no range: write 3000 or 8000-8100", word)
    end
    return free.range(check_bindable(port.check_number(word)))
  end
  first, last = check_bindable(port.check_number(first)), port.check_number(last)
  if last < first then mistake("%s runs backwards: write %d-%d", word, last, first) end
  return free.range{first = first, last = last}
end

-- What is tried is tried where we are.
local function check_here(options, verb)
  if options.from then
    mistake("--from is for ls and pages: %s asks what can be bound now", verb)
  elseif options.netns and options.netns ~= "own" then
    mistake("--netns is for ls and pages: %s binds where it is; ip netns exec NAME portinfo %s",
            verb, verb)
  end
end

function M.free(words, options)
  check_here(options, "free")
  if #words > 1 then mistake("free takes one port or range, not '%s' as well", words[2]) end
  local format = options.format or "tsv"
  if format ~= "tsv" and format ~= "json" then
    mistake("free prints a port a line, or --format json, not %s", format)
  end
  local spec = free_range(words[1])
  spec.place, spec.count, spec.probe = place_of(options), options.count or 1, not options.unproved
  spec.backend, spec.proc = options.backend, options.proc
  local found, notes = free.find(spec)
  if not found then mistake("%s", notes) end
  if format == "json" then
    write(json.encode(found) .. "\n")
  else
    for _, number in ipairs(found) do write(("%d\n"):format(number)) end
  end
  if #found < spec.count then
    notes[#notes + 1] = ("%s free from %d to %d"):format(
      #found == 0 and "no port is" or ("only %d of %d are"):format(#found, spec.count),
      spec.first, spec.last)
  end
  remark(options, notes)
  if notes.partial then return 3 end
  return #found < spec.count and 1 or 0
end

function M.why(words, options)
  check_here(options, "why")
  if #words ~= 1 then mistake "why takes one port or service, as in portinfo why 8080" end
  local format = options.format or "table"
  if format ~= "table" and format ~= "json" then
    mistake("why comes as text or --format json, not %s", format)
  end
  local ports = port.ports_of(words[1])
  if #ports > 1 then
    mistake("'%s' is a name of several ports: give one, such as %d", words[1], ports[1][1])
  end
  local number, transport = ports[1][1], ports[1][2]
  if transport and transport ~= "tcp" and transport ~= "udp" then
    mistake("a port is tried with tcp or udp, not %s", transport)
  end
  local where = place_of{udp = options.udp or transport == "udp", address = options.address}
  local data, message = reasons.data{
    port = check_bindable(number), place = where, probe = not options.unproved,
    backend = options.backend, proc = options.proc,
  }
  if not data then mistake("%s", message) end
  write(format == "json" and reasons.json(data) .. "\n" or reasons.text(data))
  return ({bindable = 0, blocked = 1, unknown = 3})[data.verdict]
end

return M
