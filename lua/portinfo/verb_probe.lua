-- verb_probe.lua: probe, which installs, shows and removes the pinned probe: what lets a
-- group see everybody's sockets without root.

local call = require "portinfo.call"
local core = require "portinfo.core"
local json = require "portinfo.json"
local pin_of = require "portinfo.pin"

local mistake, write = call.mistake, call.write

local actions = {}

-- What the library answered, or its refusal as a mistake.
local function answer(value, message)
  if value ~= nil then return value end
  local action = message:match "^only root can (%l+)"
  mistake("%s%s", message, action and (": sudo portinfo probe " .. action) or "")
end

function actions.install(options)
  local before = core.pin_status() or {} -- what is wrong there is told by the next
  answer(core.pin_install(options.group))
  local now = answer(core.pin_status())
  write(("probe %s at %s: %s can see every socket and who holds it\n"):format(
    before.installed and "replaced" or "installed", now.folder, pin_of.readers(now)))
  return 0
end

function actions.remove()
  write(answer(core.pin_remove()) and "probe removed\n" or "there was no probe\n")
  return 0
end

local function status_text(pin)
  if pin.closed then
    return ("probe     cannot tell: the folder %s is root's alone\n"):format(pin.folder)
      .. "to do     sudo portinfo probe status\n"
  end
  if not pin.installed then
    return ("probe     not installed\n%s"):format(pin.built_in
      and "to do     sudo portinfo probe install --group NAME\n"
      or "to do     build portinfo with clang and libbpf's headers (make BPF=1)\n")
  end
  local obstacle = pin_of.obstacle(pin)
  return ("probe     installed at %s\nfor       %s\nversion   %s\nreadable  %s\n"):format(
    pin.folder, pin_of.readers(pin), pin.version or "not seen",
    obstacle and "no: " .. obstacle or "yes, by us")
end

function actions.status(options)
  local pin = answer(core.pin_status())
  local usable = pin_of.usable(pin)
  if options.format == "json" then
    pin.v, pin.usable = 1, usable
    write(json.encode(pin) .. "\n")
  elseif options.format == nil or options.format == "table" then
    write(status_text(pin))
  else
    mistake("the probe's status comes as text or --format json, not %s", options.format)
  end
  return usable and 0 or 1
end

local M = {}

function M.probe(words, options)
  if options.from then mistake "--from is for ls and pages: the probe is of this machine" end
  local action = actions[words[1]]
  if not action or #words > 1 then
    mistake("say what of the probe: portinfo probe install, status or remove")
  end
  if options.group and words[1] ~= "install" then
    mistake "--group is for portinfo probe install: who may read it"
  end
  return action(options)
end

return M
