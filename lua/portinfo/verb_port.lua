-- verb_port.lua: the pages of ports, and which ports a word means.

local call = require "portinfo.call"
local core = require "portinfo.core"
local later = require "portinfo.later"
local options_of = require "portinfo.options"

local json, page, schema, screen = later "json", later "page", later "schema", later "screen"
local mistake = call.mistake

local M = {}

local function transport_of(word)
  local name, transport = word:match "^(.-)/(%a*)$"
  if not name then return word end
  transport = transport:lower()
  if not options_of.transports[transport] then
    mistake("'%s': transports are tcp, udp, sctp and dccp", word)
  end
  return name, transport
end

local function fail_word(word)
  if word:find "^%d+[,-]" then
    mistake("'%s' is no port: name ports side by side, or portinfo ls 'lport in {22, 80..90}'",
            word)
  end
  local list = {}
  for verb in pairs(require "portinfo.verbs") do list[#list + 1] = verb end
  table.sort(list)
  local near = core.nearest(word, list)
  if near then near = "portinfo " .. near end
  near = near or core.nearest(word, core.services(word:sub(1, 1):lower()))
  if near then mistake("'%s' is neither a verb nor a service: did you mean %s?", word, near) end
  mistake("'%s' is neither a verb nor a port nor a service; see portinfo --help", word)
end

function M.check_number(word)
  local digits = word:gsub("^0+(%d)", "%1")
  local number = #digits <= 5 and math.tointeger(tonumber(digits, 10))
  if not number or number < 0 or number > 65535 then
    mistake("'%s' is no port: ports are 0 to 65535", word)
  end
  return number
end

-- The distinct ports of a service name, those of the registry or else of use.
local function service_ports(name, transport)
  local records, uses = core.service(name)
  local ports, seen, known = {}, {}, #records + #uses > 0
  local function add(list)
    for _, entry in ipairs(list) do
      local fits = transport == nil or #entry.transports == 0
      for _, t in ipairs(entry.transports) do fits = fits or t == transport end
      if fits and entry.first and not seen[entry.first] then
        seen[entry.first] = true
        ports[#ports + 1] = entry.first
      end
    end
  end
  add(records)
  if #ports == 0 then add(uses) end
  return ports, known
end

-- The ports that one argument means, as {port, transport}.
function M.ports_of(word)
  local name, transport = transport_of(word)
  if name:find "^%-?%d+$" then return {{M.check_number(name), transport}} end
  if name:find "^0[xX]%x+$" then
    mistake("'%s' is no port: write it in decimal, %d", name, tonumber(name))
  end
  local ports, known = service_ports(name, transport)
  if not known then fail_word(name) end
  if #ports == 0 then
    mistake("'%s' is a service name without a port%s; see portinfo search %s", name,
            transport and " for " .. transport or "", name)
  end
  for i, port in ipairs(ports) do ports[i] = {port, transport} end
  return ports
end

local function page_json(data)
  local now = data.now
  data.now = now and json.raw(now:text("json", schema.usual_names):gsub("\n$", "")) or nil
  data.v = 1
  return json.encode(data)
end

function M.port(words, options)
  if #words == 0 then mistake "name a port or a service, as in portinfo 443" end
  local format = options.format or "table"
  if format ~= "table" and format ~= "json" then
    mistake("a page comes as text or --format json, not %s", format)
  end
  if options.columns then mistake "--columns is for ls" end
  local list, view = {}, screen.view(options)
  for _, word in ipairs(words) do
    for _, port in ipairs(M.ports_of(word)) do list[#list + 1] = port end
  end
  local out, status = {}, 0
  local source = call.source_of(options)
  for i, port in ipairs(list) do
    local data = page.data(port[1], {
      transport = port[2], backend = source.backend, proc = source.proc, netns = source.netns,
      snapshot = source.snapshot,
    })
    if source.netns and not data.now then mistake("%s", data.unseen) end
    if data.now == nil or call.is_partial(data.now, {}) then status = options.strict and 3 or 0 end
    out[i] = format == "json" and page_json(data)
      or page.text(data, {width = view.width or 80, ascii = view.ascii})
  end
  call.write(format == "json" and "[" .. table.concat(out, ",\n") .. "]\n"
    or table.concat(out, "\n"))
  return status
end

return M
