-- When there is colour, and what it is.

local style = require "portinfo.style"

-- Is there colour on a terminal (or not), with these variables?
local function wanted(choice, variables, is_terminal)
  return style.wanted(choice, function(name) return variables[name] end, is_terminal)
end

describe("colour", function()
  it("is on a terminal, and in nothing else", function()
    assert.is_true(wanted(nil, {TERM = "xterm"}, true))
    assert.is_true(wanted("auto", {TERM = "xterm"}, true))
    assert.is_false(wanted("auto", {TERM = "xterm"}, false))
  end)

  it("is not on a terminal that cannot, or of which nothing is known", function()
    assert.is_false(wanted("auto", {TERM = "dumb"}, true))
    assert.is_false(wanted("auto", {}, true))
  end)

  it("is as the option says, whatever else does", function()
    assert.is_true(wanted("always", {NO_COLOR = "1", TERM = "dumb"}, false))
    assert.is_false(wanted("never", {CLICOLOR_FORCE = "1", TERM = "xterm"}, true))
  end)

  it("is off with NO_COLOR, unless that is empty", function()
    assert.is_false(wanted("auto", {NO_COLOR = "1", CLICOLOR_FORCE = "1", TERM = "xterm"}, true))
    assert.is_true(wanted("auto", {NO_COLOR = "", TERM = "xterm"}, true))
  end)

  it("is on in a pipe with CLICOLOR_FORCE, unless that is empty or 0", function()
    assert.is_true(wanted("auto", {CLICOLOR_FORCE = "1", TERM = "dumb"}, false))
    assert.is_false(wanted("auto", {CLICOLOR_FORCE = "0", TERM = "xterm"}, false))
    assert.is_false(wanted("auto", {CLICOLOR_FORCE = "", TERM = "xterm"}, false))
  end)
end)

describe("paint", function()
  it("leaves what means nothing as it is", function()
    assert.equal("x", style.paint("x", nil))
    assert.equal("x", style.paint("x", "no such meaning"))
  end)

  it("ends what it begins", function()
    assert.equal("\27[31mx\27[0m", style.paint("x", "risk"))
  end)
end)
