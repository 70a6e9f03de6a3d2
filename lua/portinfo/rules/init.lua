-- rules: the pack that portinfo audit runs when it is told of no other: a list, in which
-- rules are found by their ids, too.

local list, by_id = {}, {}

for _, name in ipairs{"exposure", "ports", "binds", "owners", "queues", "news"} do
  for _, rule in ipairs(require("portinfo.rules." .. name)) do
    list[#list + 1], by_id[rule.id] = rule, rule
  end
end

return setmetatable(list, {__index = by_id})
