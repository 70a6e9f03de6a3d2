-- helper.lua: loaded once before the specs: after each test everything that it
-- made is collected, so that a mistake in a finalizer shows where it was made.

local busted = require "busted"
local fake = require "fake"

package.preload.fake = function() return fake end -- one for all files

busted.subscribe({"test", "end"}, function()
  collectgarbage()
  collectgarbage()
  return nil, true
end)

busted.subscribe({"suite", "end"}, function()
  fake.remove_all()
  return nil, true
end)
