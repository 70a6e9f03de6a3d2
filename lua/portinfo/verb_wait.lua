-- verb_wait.lua: wait, until there are such sockets, or none any more.

local call = require "portinfo.call"
local duration = require "portinfo.duration"
local list = require "portinfo.verb_ls"
local wait = require "portinfo.wait"

local mistake, remark = call.mistake, call.remark

local M = {}

function M.wait(words, options)
  if options.from or options.undecided then
    mistake("wait looks at the kernel's sockets: %s is for ls",
      options.from and "--from" or "--undecided")
  end
  if #words == 0 then mistake "name what to wait for, as in portinfo wait listening :5432" end
  local q = list.query(words, options)
  if wait.is_futile(q) then
    mistake("no socket can ever satisfy '%s': see portinfo explain", table.concat(words, " "))
  end
  local held = false
  local function run(_, groups, readable)
    local selection, about, message = wait.run(q, {
      timeout = options.timeout, hold = options.hold, gone = options.gone,
      groups = groups, readable = readable,
      doubt = not options.timeout and function(why) -- else it would seem to hang
        remark(options, {"cannot tell yet: " .. why})
      end,
    })
    if about == "refused" then mistake("%s", message) end
    held = selection ~= nil
    if held then return selection, about end
    local unknown = about == "unknown"
    remark(options, {unknown and "cannot tell: " .. message
      or "timed out after " .. duration.text(options.timeout)})
    return nil, unknown and 3 or 1
  end
  local status
  if options.gone then status = select(2, run()) else status = list.show_rows(q, options, run) end
  return held and 0 or status
end

return M
