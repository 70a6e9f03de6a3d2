-- rules: the pack that portinfo audit runs when it is told of no other.

local list = {}

for _, name in ipairs{"exposure", "ports", "binds", "owners", "queues", "news"} do
  for _, rule in ipairs(require("portinfo.rules." .. name)) do list[#list + 1] = rule end
end

return list
