-- cell.lua: a value as people see it, by its type: escaped, here and once, and with
-- its meaning (see style.lua). `layout`: see render.lua.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

-- Unknown and empty look different, and nothing is left blank.
local unknown, empty = "?", "-"

-- A text from the system. One that would look blank, or as if it were unknown or empty,
-- or begins with a mark that would join what stands before it, is put in quotes.
function M.name(text, ascii)
  local odd = text == "" or text == unknown or text == empty or text:find "^ " or text:find " $"
  local shown = escape(text, ascii)
  return (odd or width.joins(shown)) and '"' .. shown .. '"' or shown
end

-- ADDRESS:PORT, of a raw socket the address; behind the address the device that the
-- socket is bound to, or the scope of the address.
function M.endpoint(address, port, iface, ascii)
  if not address then return address == nil and unknown or empty end
  if iface then address = address .. "%" .. escape(iface, ascii) end
  if port == false then return address end
  if address:find(":", 1, true) then address = "[" .. address .. "]" end
  return ("%s:%d"):format(address, port)
end

-- Behind what is said of a row where its reading is of several network namespaces, which
-- is as much to know as its local end.
function M.namespace(row)
  local name = core.row_namespace(row)
  return name and " in netns " .. M.name(name) or ""
end

-- ---- What a value means ----------------------------------------------------------

local is_server = {listener = true, service = true}

-- Is the row's socket reachable from elsewhere, to whoever comes?
local function is_exposed(row)
  return is_server[row.role] and row.exposure ~= "loopback" and row.exposure ~= nil
end

local fading = {}
for state in ("fin-wait-1 fin-wait-2 time-wait last-ack closing"):gmatch "%S+" do
  fading[state] = "fading"
end

local meanings = {}

function meanings.state(value) return value == "listen" and "listening" or fading[value] end

function meanings.exposure(_, row) return is_exposed(row) and "exposed" or nil end

function meanings.risk(_, row) return is_exposed(row) and "risk" or nil end

-- A service is as risky as the port that it is known by.
function meanings.service(_, row) return row.risk and meanings.risk(nil, row) or nil end

-- ---- How it is spelled -----------------------------------------------------------

local spell = {}

function spell.word(value) return value end

spell.address = spell.word

function spell.bool(value) return value and "yes" or "no" end

function spell.port(value) return ("%d"):format(value) end

local seconds_in = {us = 1e-6, ms = 1e-3}

function spell.number(value, field, row)
  -- a listener's queues hold connections
  if field.unit == "B" and row.state ~= "listen" then return units.bytes(value) end
  local scale = seconds_in[field.unit]
  if scale then return units.lasting(value * scale) end
  return ("%d"):format(value)
end

function spell.time(value, _, _, layout) return units.short_ago(layout.now - value) end

-- Of a list the first, and how many there are besides.
function spell.text(value, _, _, layout)
  if type(value) == "string" then return M.name(value, layout.ascii) end
  local first = M.name(value[1], layout.ascii)
  return #value > 1 and ("%s +%d"):format(first, #value - 1) or first
end

-- All of them, as in TSV.
function spell.holders(value, _, _, layout)
  local list = {}
  for i, h in ipairs(value) do
    list[i] = ("%d/%d/%s"):format(h.pid, h.fd, M.name(h.process, layout.ascii))
  end
  return table.concat(list, ", ")
end

-- The text and the meaning of a row's field. What a row means is not asked of one that
-- stands for others.
function M.of(row, field, layout)
  local value = row[field.name]
  if value == nil then return unknown, "unknown" end
  if value == false and field.type ~= "bool" then return empty end
  local meaning = meanings[field.name]
  if not layout.color or layout.what and field.name ~= "state" then meaning = nil end
  return spell[field.type](value, field, row, layout), meaning and meaning(value, row)
end

-- ---- Of several fields -----------------------------------------------------------

function M.here(row, _, layout)
  return M.endpoint(row.laddr, row.lport, row.iface, layout.ascii)
end

-- The device of a socket belongs to its own address, but for a scope.
function M.there(row, _, layout)
  local scope = row.raddr and row.raddr:find "^fe[89ab]" and row.iface
  return M.endpoint(row.raddr, row.rport, scope, layout.ascii)
end

-- The different values of one key of a row's holders.
local function count(row, key)
  local seen, n = {}, 0
  for _, h in ipairs(row.holders or {}) do
    local value = h[key] or unknown
    if not seen[value] then n = n + 1 end
    seen[value] = true
  end
  return n
end

-- How many processes hold the socket; one may do so by several descriptors.
function M.processes(row) return count(row, "pid") end

-- A field of the main holder, and how many others there are besides.
local function with_others(row, field, layout, n)
  local text, meaning = M.of(row, field, layout)
  return n > 1 and ("%s +%d"):format(text, n - 1) or text, meaning
end

function M.holder(row, field, layout)
  return with_others(row, field, layout, M.processes(row))
end

function M.users(row, field, layout)
  return with_others(row, field, layout, count(row, "user"))
end

return M
