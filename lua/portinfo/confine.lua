-- confine.lua: runs the files of rules, as source text, with what a rule may use: facts
-- about ports, filters, and the part of Lua that touches nothing but values.
--
-- It keeps mistakes from doing harm, and it bars what it does not give: files, programs,
-- the debug library, byte code. It bounds neither time nor memory: that is for the
-- process that the command judges rules in (jury.lua).

local core = require "portinfo.core"

local M = {}

-- ---- What rules may use ----------------------------------------------------------

local plain = {
  "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen",
  "rawset", "select", "tonumber", "tostring", "type", "_VERSION",
}

local libraries = {
  string = {
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack",
    "packsize", "rep", "reverse", "sub", "unpack", "upper",
  },
  table = {"concat", "insert", "move", "pack", "remove", "sort", "unpack"},
  utf8 = {"char", "charpattern", "codepoint", "codes", "len", "offset"},
  coroutine = {
    "close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield",
  },
  os = {"clock", "date", "difftime", "time"},
  math = "all",
}

local function copy(from, names)
  local to = {}
  if names == "all" then
    for name, value in pairs(from) do to[name] = value end
  else
    for _, name in ipairs(names) do to[name] = from[name] end
  end
  return to
end

-- Metatables of tables alone: those of strings and rows are everybody's.
local function get_metatable(value)
  if type(value) ~= "table" then return nil end
  return getmetatable(value)
end

-- A finalizer would run at any time, also when the rule is over.
local function set_metatable(value, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("__gc is not for rules", 2)
  end
  return setmetatable(value, meta)
end

-- The real one calls its handler inside of the error, where no time is watched.
local function x_pcall(f, handler, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 1, results.n) end
  return false, handler(results[2])
end

-- For who looks for a mistake in a rule; the report is not touched.
local function print_aside(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = require "portinfo.escape"(tostring(parts[i])) end
  io.stderr:write(table.concat(parts, "\t"), "\n")
end

-- What of the module looks at nothing and changes nothing.
local function facts()
  local pi = require "portinfo"
  return copy(pi, {"p", "port", "range", "registry_date", "search", "service", "_VERSION"})
end

-- Values of our own modules, of which each file gets its own.
local function clone(value, made)
  if type(value) ~= "table" then return value end
  if made[value] then return made[value] end
  local copied, meta = {}, getmetatable(value)
  made[value] = copied
  for key, member in next, value do copied[key] = clone(member, made) end
  return meta and setmetatable(copied, {__index = clone(meta.__index, made)}) or copied
end

-- ---- Files -----------------------------------------------------------------------

local most_bytes = 16 << 20

local function read_file(path)
  local file <close>, message, errno = io.open(path, "rb")
  if not file then return nil, message, errno end
  local text, trouble, number = file:read(most_bytes)
  if trouble then return nil, ("%s: %s"):format(path, trouble), number end
  if text and file:read(1) then
    return nil, ("%s: larger than %d MiB: this is no file of rules"):format(path, most_bytes >> 20)
  end
  return text or ""
end

-- A file as a source {name, text}; or nil, message, errno.
function M.read(path)
  local text, message, errno = read_file(path)
  if not text then return nil, message, errno end
  return {name = path, text = text}
end

-- A function of the source, or nil and what is wrong with it, with its line.
local function compile(text, name, env)
  if text:sub(1, 1) == "\27" then
    return nil, name .. ":1: byte code is not taken: give the source"
  end
  text = text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", "--") -- #! of scripts
  return load(text, "@" .. name, "t", env)
end

local function is_library(name)
  return name:find "^[%w_-]+$" ~= nil
    or name:find "^[%w_-]+%.[%w_.-]+$" ~= nil and not name:find("..", 1, true)
end

-- The value of a rule that is built in, or of all of them.
local function built_in(name)
  if name ~= "portinfo.rules" and not name:find "^portinfo%.rules%.[%w_]+$" then return nil end
  local ok, value = pcall(require, name)
  if not ok then error(("require: no '%s' is built in"):format(name), 0) end
  return clone(value, {})
end

-- The value of a file of the folder; nil if there is none.
local function from_folder(name, folder, env)
  local path = ("%s/%s.lua"):format(folder, (name:gsub("%.", "/")))
  local text = is_library(name) and read_file(path)
  if not text then return nil end
  local chunk, message = compile(text, path, env)
  if not chunk then error(message, 0) end
  local value = chunk(name)
  return value == nil and true or value
end

local function no_library(name)
  error(("require: no library '%s': rules have portinfo, portinfo.rules and the files of their "
    .. "folder"):format(name), 3)
end

-- require of rules: our own, files of their folder, and what `otherwise` finds.
local function new_require(env, folder, otherwise)
  local loaded = {portinfo = env.pi}
  return function(name)
    if type(name) ~= "string" then error("require takes the name of a library", 2) end
    if loaded[name] == nil then
      loaded[name] = true -- whoever requires it again meanwhile
      loaded[name] = built_in(name) or from_folder(name, folder, env) or otherwise(name)
    end
    return loaded[name]
  end
end

-- What the global names of a file of rules in this folder mean.
function M.environment(folder)
  local env = copy(_G, plain)
  for name, members in pairs(libraries) do env[name] = copy(_G[name], members) end
  env.getmetatable, env.setmetatable = get_metatable, set_metatable
  env.xpcall, env.print = x_pcall, print_aside
  env.pi, env._G = facts(), env
  env.require = new_require(env, folder, no_library)
  return env
end

-- The same for rules that are trusted: all of Lua, and all of the module.
function M.open_environment(folder)
  local env = setmetatable({pi = require "portinfo"}, {__index = _G})
  env._G, env.require = env, new_require(env, folder, require)
  return env
end

-- The folder that a file is in.
function M.folder_of(name) return name:match "^(.*)/[^/]*$" or "." end

-- The line of this file that a message begins with; the first where it is of another, which
-- that one called. Of a long name Lua shows the end.
local function line_in(name, message)
  local file, line = tostring(message):match "^(.-):(%d+): "
  local shown = file and file:gsub("^%.%.%.", "")
  return shown and name:sub(-#shown) == shown and line or "1"
end

-- Runs a source {name, text} for so many seconds: what it returns, or nil and what is wrong.
-- `trust`: with all of Lua.
function M.run(source, seconds, trust)
  local name = source.name
  local env = (trust and M.open_environment or M.environment)(M.folder_of(name))
  local chunk, message = compile(source.text, name, env)
  if not chunk then return nil, message end
  local ok, value, over = core.bounded(seconds, chunk)
  if ok then return value end
  if not over then return nil, value end
  return nil, ("%s:%s: it took more than %g s of processor time to load")
    :format(name, line_in(name, value), seconds)
end

return M
