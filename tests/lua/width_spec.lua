-- Columns of a screen: what takes one, two or none, and where a text may be cut.

local width = require "portinfo.width"

describe("a text takes", function()
  local function takes(columns, text) assert.equal(columns, width.of(text)) end

  it("a column for each letter", function()
    takes(0, "")
    takes(4, "sshd")
    takes(5, "größe")
    takes(3, "дом")
  end)

  it("two for an ideograph, a syllable, a full-width letter or an emoji", function()
    takes(4, "家庭")
    takes(4, "한글")
    takes(4, "ＡＢ")
    takes(4, "🐘🚀")
    takes(3, "ｱｲｳ") -- these are of half the width
  end)

  it("none for a mark that joins a letter", function()
    takes(1, "e\u{301}")
    takes(1, "e\u{301}\u{308}\u{20dd}")
    takes(2, "\u{1112}\u{1161}\u{11ab}") -- a syllable in its parts
    takes(1, "\u{2764}\u{fe0f}")
  end)
end)

describe("cut", function()
  it("leaves what fits", function()
    assert.equal("家庭", width.cut("家庭", 4, "…"))
    assert.equal("", width.cut("", 0, "…"))
  end)

  it("never splits a wide character", function()
    assert.equal("家…", width.cut("家庭", 3, "…"))
    assert.equal("…", width.cut("家庭", 2, "…"))
    assert.equal("…", width.cut("家庭", 1, "…"))
  end)

  it("keeps a letter's marks with it", function()
    assert.equal("e\u{301}…", width.cut("e\u{301}te\u{301}", 2, "…"))
  end)

  it("keeps to any room, of any text", function()
    local alphabet = {"a", "家", "\u{301}", "🐘", "ö", " ", "\u{1161}"}
    math.randomseed(20261123)
    for _ = 1, 3000 do
      local parts = {"x"}
      for i = 2, math.random(1, 20) do parts[i] = alphabet[math.random(#alphabet)] end
      local text, room = table.concat(parts), math.random(1, 20)
      local shown = width.cut(text, room, "~")
      assert.is_true(width.of(shown) <= room)
      local kept = shown:gsub("~$", "")
      assert.equal(kept, text:sub(1, #kept))
      -- what follows begins a character of its own
      if shown ~= text then assert.is_false(width.joins(text:sub(#kept + 1))) end
    end
  end)
end)

describe("wrap", function()
  it("breaks between words, and indents what follows", function()
    assert.equal("one two\n  three", width.wrap("one two three", 8, 2))
    assert.equal("", width.wrap("", 8, 2))
  end)

  it("leaves a word that is too long whole, or breaks it when it may", function()
    assert.equal("a\nbbbbbbbbbbbb\nc", width.wrap("a bbbbbbbbbbbb c", 4, 0))
    assert.equal("a\nbbbb\nbb c", width.wrap("a bbbbbb c", 4, 0, true))
  end)

  it("counts columns, not bytes", function()
    assert.equal("ää öö", width.wrap("ää öö", 5, 0))
    assert.equal("家\n庭", width.wrap("家庭", 3, 0, true))
  end)
end)
