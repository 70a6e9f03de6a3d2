-- Text from outside, as a terminal may see it.

local escape = require "portinfo.escape"

local function shows(expected, text) assert.equal(expected, escape(text)) end

-- Code points that steer a terminal or a reader's eye.
local function is_hostile(c)
  return c < 0x20 or (c >= 0x7f and c <= 0x9f) or c == 0xad or c == 0x61c
    or (c >= 0x200b and c <= 0x200f) or (c >= 0x2028 and c <= 0x202e)
    or (c >= 0x2060 and c <= 0x206f) or c == 0xfeff or (c >= 0xfff9 and c <= 0xfffb)
    or (c >= 0xe0000 and c <= 0xe0fff)
end

local function assert_safe(text)
  assert.is_truthy(utf8.len(text))
  for _, c in utf8.codes(text) do assert.is_false(is_hostile(c)) end
end

describe("escape", function()
  it("leaves plain text alone", function()
    shows("", "")
    shows("sshd", "sshd")
    shows([[a\b "c" ~]], [[a\b "c" ~]])
  end)

  it("leaves printable text of any script alone", function()
    shows("größe", "größe")
    shows("дом 家 🐘", "дом 家 🐘")
  end)

  it("spells C0 controls and DEL", function()
    shows([[\x1b[31mred]], "\27[31mred")
    shows([[a\x00b\x0ac\x0dd\x09e\x7f]], "a\0b\nc\rd\te\127")
  end)

  it("spells C1 controls, which are escape sequences of one character", function()
    shows([[\u{009b}31m]], "\u{9b}31m")
    shows([[\u{0085}]], "\u{85}")
  end)

  it("spells what turns the direction of text", function()
    shows([[\u{202e}gpj.exe]], "\u{202e}gpj.exe")
    shows([[\u{2066}\u{2069}\u{200f}\u{061c}]], "\u{2066}\u{2069}\u{200f}\u{61c}")
  end)

  it("spells what has no width", function()
    shows([[ss\u{200b}hd]], "ss\u{200b}hd")
    shows([[\u{feff}\u{2060}\u{00ad}]], "\u{feff}\u{2060}\u{ad}")
    shows([[\u{e0041}]], "\u{e0041}")
  end)

  it("spells bytes that are not UTF-8, each by itself", function()
    shows([[\xff\xfe]], "\xff\xfe")
    shows([[a\xc3]], "a\xc3")
    shows([[\xc3(]], "\xc3(")
    shows([[\xe2\x82ok]], "\xe2\x82ok")
    shows([[\xc0\xaf]], "\xc0\xaf") -- overlong
    shows([[\xed\xa0\x80]], "\xed\xa0\x80") -- a surrogate
    shows([[\xf4\x90\x80\x80]], "\xf4\x90\x80\x80") -- past U+10FFFF
  end)

  it("spells all that is not ASCII for a terminal that is not of UTF-8", function()
    assert.equal([[gr\u{00f6}\u{011b}e\xff ~]], escape("grö\u{11b}e\xff ~", true))
  end)

  it("keeps good text around bad bytes", function()
    shows([[ä\xffö]], "ä\xffö")
  end)

  it("gives only safe characters for any bytes, and says so twice alike", function()
    local seed = 20260917
    math.randomseed(seed)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(0, 24) do bytes[i] = string.char(math.random(0, 255)) end
      local shown = escape(table.concat(bytes))
      assert_safe(shown)
      assert.equal(shown, escape(shown))
    end
  end)

  it("gives only safe characters for any code points", function()
    math.randomseed(9)
    for _ = 1, 2000 do
      local c = math.random(0, 0x10ffff)
      if c < 0xd800 or c > 0xdfff then assert_safe(escape(utf8.char(c))) end
    end
    for c = 0, 0x3000 do assert_safe(escape(utf8.char(c))) end
  end)
end)
