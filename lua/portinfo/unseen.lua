-- unseen.lua: what the verdict of a rule would have to rest on, and cannot, as a reading
-- does not have it.

local core = require "portinfo.core"
local predicate = require "portinfo.predicate"
local sight = require "portinfo.sight"

-- Protocols that every reading of everything tells of. Of the others one tells since it
-- knows them, where a host has them or not.
local always_read = {tcp = true, udp = true}

local function is_silent(source) return source.backend == "none" and not source.absent end

-- The sources of a reading, by protocol and family.
local function sources_of(quality)
  local by_name = {}
  for _, source in ipairs(quality.sources) do by_name[source.proto .. source.family] = source end
  return by_name
end

local function trouble_of(dump, source)
  if not source then return always_read[dump.proto] and "was not read" or nil end
  if is_silent(source) then return "could not be read: " .. (source.error or "nobody knows why") end
  return source.partial and "could not be read whole" or nil
end

-- What the rule would ask and did not tell all, in words.
local function unseen_sources(rule, quality)
  local sources, lines = sources_of(quality), {}
  for _, dump in ipairs(core.plan(rule.scope).dumps) do
    local trouble = trouble_of(dump, sources[dump.proto .. dump.family])
    if trouble then
      lines[#lines + 1] = ("%s over %s %s"):format(dump.proto, dump.family, trouble)
    end
  end
  return lines
end

local function parts_of(filter)
  local set = {}
  for _, part in ipairs(core.plan(filter).parts) do
    if not part.text then return nil end
    set[part.text] = true
  end
  return set
end

-- Does a reading that was asked for `asked` hold all that the rule is about?
local function is_covered(rule, asked)
  if not asked then return true end
  local beyond = predicate.both(rule.scope, ~asked)
  if beyond and #core.plan(beyond).dumps == 0 then return true end
  local wanted, tested = parts_of(asked), parts_of(rule.scope)
  if not wanted or not tested then return false end
  for text in pairs(wanted) do
    if not tested[text] then return false end
  end
  return true
end

-- Lines, none if all was seen. `quality` is of the reading, `asked` what it was asked for, as
-- a predicate, nil for everything.
return function(rule, quality, asked)
  local lines = unseen_sources(rule, quality)
  sight.add_namespaces(quality, lines)
  if not is_covered(rule, asked) then
    lines[#lines + 1] = "the reading was asked for less: " .. (asked:text() or "some sockets")
  end
  return lines
end
