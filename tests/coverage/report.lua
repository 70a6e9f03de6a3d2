-- report.lua: how many lines of the Lua files ran, of those that code was made of.
--
--   lua5.4 tests/coverage/report.lua FOLDER LEAST FILE...
--
-- FOLDER is where lines.c wrote; less than LEAST percent is a failure.

local folder, least = arg[1], tonumber(arg[2])

-- The lines that luac makes code of.
local function lines_with_code(path)
  local found = {}
  local listing <close> = assert(io.popen(("luac5.4 -l -l -p '%s'"):format(path)))
  for line in listing:lines() do
    local number, name = line:match "^\t%d+\t%[(%d+)%]\t(%u+)"
    if number and name ~= "VARARGPREP" then found[tonumber(number)] = true end
  end
  return found
end

local function lines_that_ran(path)
  local name = path:gsub("^lua/", ""):gsub("/", "+")
  local file <close> = io.open(("%s/%s"):format(folder, name), "rb")
  return file and file:read "a" or ""
end

-- 3-5, 9
local function spans(numbers)
  local parts, first = {}, 1
  for i, number in ipairs(numbers) do
    if numbers[i + 1] ~= number + 1 then
      parts[#parts + 1] = first == i and number or ("%d-%d"):format(numbers[first], number)
      first = i + 1
    end
  end
  return table.concat(parts, ",")
end

local all, ran = 0, 0
for i = 3, #arg do
  local path, missed, count = arg[i], {}, 0
  local bytes = lines_that_ran(path)
  for line in pairs(lines_with_code(path)) do
    count = count + 1
    if bytes:byte(line + 1) ~= 1 then missed[#missed + 1] = line end
  end
  table.sort(missed)
  all, ran = all + count, ran + count - #missed
  print(("%-36s %5d %5d %4d%%   %s"):format(path, count, count - #missed,
    (count - #missed) * 100 // math.max(count, 1), spans(missed)))
end
local percent = ran * 100 / all
print(("%-36s %5d %5d %.1f%%"):format("lua", all, ran, percent))
os.exit(percent >= least)
