-- manual_spec.lua: the documents name everything that there is.

local core = require "portinfo.core"
local query = require "portinfo.query"
local pi = require "portinfo"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("the manual", function()
  local manual = read "man/portinfo.1"

  it("explains every field, and every word of it", function()
    for _, field in ipairs(core.fields()) do
      assert(manual:find("\n.It Cm " .. field.name .. "\n", 1, true), field.name)
      for _, word in ipairs(field.words or {}) do
        assert(manual:find(" " .. word .. " ", 1, true), word)
      end
    end
  end)

  it("names every option and verb of the help", function()
    local cli = read "lua/portinfo/cli.lua"
    for name in cli:match("local valued = (%b{})"):gmatch '"%-%-(%l+)"%]' do
      assert(manual:find("-" .. name, 1, true), name)
    end
    for verb in cli:gmatch "\nverbs%.(%l+) =" do
      assert(manual:find("Cm " .. verb, 1, true), verb)
    end
    for verb in cli:gmatch "\nfunction verbs%.(%l+)" do
      assert(manual:find("Cm " .. verb, 1, true), verb)
    end
  end)
end)

describe("the README", function()
  local readme = read "README.md"

  it("names every public function in C", function()
    local n = 0
    for name in read("src/portinfo.h"):gmatch "\nPI_API [^;(]-([%w_]+)%(" do
      n = n + 1
      assert(readme:find(name, 1, true), name)
    end
    assert(n > 50)
  end)

  it("names every function in Lua, and every method of a query", function()
    for name, value in pairs(pi) do
      if type(value) == "function" then assert(readme:find("pi." .. name, 1, true), name) end
    end
    for _, name in ipairs(query.method_names) do
      assert(readme:find(":" .. name, 1, true), name)
    end
  end)
end)
