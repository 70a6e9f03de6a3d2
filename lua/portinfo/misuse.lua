-- misuse.lua: raises at the line of the caller, however deep in our own files
-- the mistake was found.

-- Chunk names of our files begin alike, whether they were loaded from a folder
-- or are embedded in the binary.
local here = debug.getinfo(1, "S").source:gsub("misuse%.lua$", "")

local function is_ours(level)
  local info = debug.getinfo(level + 1, "S")
  return info ~= nil and info.source:sub(1, #here) == here
end

-- misuse(format, ...): never returns.
return function(format, ...)
  local level = 2
  while is_ours(level) do level = level + 1 end
  error(select("#", ...) > 0 and format:format(...) or format, level)
end
