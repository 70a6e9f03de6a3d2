-- check_port.lua: a plugin for Nagios and its like: somebody must listen on a port,
-- and, if named, it must be that process.
--
--   portinfo examples/check_port.lua 22 sshd

local pi = require "portinfo"

local codes = {OK = 0, CRITICAL = 2, UNKNOWN = 3}

-- A process may call itself anything, and a terminal obeys some of it.
local function plain(name) return (name:gsub("[^ -~]", "?")) end

local function finish(state, format, ...)
  print(("PORT %s - %s"):format(state, format:format(...)))
  os.exit(codes[state], true)
end

local port, process = math.tointeger(tonumber(arg[1])), arg[2]
if not port or port < 0 or port > 65535 then
  finish("UNKNOWN", "usage: check_port.lua PORT [PROCESS]")
end

local listening = pi.listening{lport = port}
local any, why, errno = listening:any()
if errno or any == nil then finish("UNKNOWN", "%s", why) end
if not any then finish("CRITICAL", "nobody listens on %d", port) end
if not process then finish("OK", "somebody listens on %d", port) end

any, why = listening:where{process = process}:any()
if any then finish("OK", "%s listens on %d", process, port) end
if any == nil then finish("UNKNOWN", "%s", why) end
local row = listening:first()
local other = row and row.process and plain(row.process) or "somebody else"
finish("CRITICAL", "%s listens on %d, not %s", other, port, process)
