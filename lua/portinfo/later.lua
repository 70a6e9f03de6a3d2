-- later.lua: modules that may be done without are loaded at their first use: compiling
-- them all takes longer than most answers, and than showing a prompt.

-- later(name) -> what has the functions of portinfo.NAME
return function(name)
  return setmetatable({}, {__index = function(_, key)
    return require("portinfo." .. name)[key]
  end})
end
