-- Every spelling of a filter, on one set of sockets.

local fake = require "fake"
local pi = require "portinfo"
local predicate = require "portinfo.predicate"

local options = fake.options{
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2},
    {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3},
    {"10.0.0.5:40001", "10.9.9.9:443", state = "established", inode = 4},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "time-wait"},
  },
  tcp6 = {{"[" .. ("0"):rep(32) .. "]:631", state = "listen", inode = 5}},
  udp = {{"0.0.0.0:53", state = "unconnected", inode = 6}},
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}, uid = 0},
    {pid = 43, name = "web", fds = {[3] = 2}},
  },
}

-- The local ports of what is selected, in order, as one string.
local function select(spec)
  local list = {}
  for row in pi.sockets(spec, options):each() do list[#list + 1] = row.lport end
  table.sort(list)
  return table.concat(list, " ")
end

local everything = "22 22 22 53 631 8080 40001"

describe("a table", function()
  it("selects everything when it is empty", function()
    assert.equal(everything, select{})
    assert.equal(everything, select(nil))
    assert.equal(everything, select "")
  end)

  it("tests one value of a field", function()
    assert.equal("53", select{proto = "udp"})
    assert.equal("8080", select{lport = 8080})
    assert.equal("8080", select{process = "web"})
    assert.equal("22 22", select{pid = 42})
  end)

  it("tests a list of values, any of which will do", function()
    assert.equal("53 8080", select{lport = {53, 8080}})
    assert.equal("22 22 8080", select{process = {"sshd", "web"}})
  end)

  it("tests a range", function()
    assert.equal("631 8080", select{lport = pi.range(600, 9000)})
    assert.equal("53 631 8080", select{lport = {53, pi.range(600, 9000)}})
    assert.equal("53 631 8080", select{lport = {"53", "600..9000"}})
  end)

  it("wants all of its fields to hold", function()
    assert.equal("22", select{lport = 22, state = "listen"})
    assert.equal("", select{lport = 22, proto = "udp"})
  end)

  it("takes true for a field that is there and false for one that is not", function()
    assert.equal("22 22 40001", select{rport = true})
    assert.equal("53 631 8080", select{rport = false, lport = {53, 631, 8080}})
  end)

  it("takes service names for ports", function()
    assert.equal("22 22 22", select{lport = "ssh"})
    assert.equal("40001", select{rport = "https"})
    assert.equal("22 22 22 8080", select{lport = {"SSH", "http-alt"}})
  end)

  it("takes addresses and blocks", function()
    assert.equal("8080", select{laddr = "127.0.0.0/8"})
    assert.equal("40001", select{raddr = "10.9.9.9"})
  end)

  it("tests either side by port and addr", function()
    assert.equal("40001", select{port = 443})
    assert.equal("22 22 22", select{port = {"ssh", 51000}})
    assert.equal("40001", select{addr = "10.9.9.9"})
    assert.equal("22 22 40001", select{addr = "10.0.0.5"})
  end)

  it("takes the names that other tools use", function()
    assert.equal("8080", select{sport = 8080})
    assert.equal("40001", select{dport = 443})
    assert.equal("40001", select{dst = "10.9.9.9"})
    assert.equal("8080", select{src = "127.0.0.1"})
  end)

  it("holds further filters in its list, however nested", function()
    assert.equal("22", select{"listening", lport = 22})
    assert.equal("22", select{{{"tcp"}}, {"listening", {lport = "ssh"}}})
    assert.equal("53", select{"listening", pi.p "udp"})
  end)

  it("cannot nest without end", function()
    local loop = {}
    loop[1] = loop
    local built, message = predicate.build(loop)
    assert.is_nil(built)
    assert.equal("a filter nested deeper than 256 levels", message)
  end)
end)

describe("words", function()
  it("must all hold, whatever the space between them", function()
    assert.equal("22 631 8080", select "listening tcp")
    assert.equal("22 631 8080", select " \tlistening\n tcp ")
  end)

  it("know flags, states, protocols and ports", function()
    assert.equal("22 53 631", select "exposed")
    assert.equal("22 40001", select "established")
    assert.equal("40001", select ":443")
    assert.equal("22 22 22", select ":ssh")
    assert.equal("8080", select "127.0.0.1:8080")
  end)
end)

describe("a predicate value", function()
  local p = pi.p

  it("is made of any spelling, and of itself", function()
    local udp = p "udp"
    assert.equal("53", select(udp))
    assert.equal("53", select(p(udp)))
    assert.equal("53", select(p{proto = "udp"}))
  end)

  it("combines with & | and ~", function()
    assert.equal("22", select(p "listening" & p ":22"))
    assert.equal("53 8080", select(p ":53" | p ":8080"))
    assert.equal("53", select(~p "tcp"))
    assert.equal("22 631", select(p "tcp" & p "listening" & ~p{lport = 8080}))
  end)

  it("stays usable after it was combined", function()
    local tcp, listening = p "tcp", p "listening"
    local both = tcp & listening
    local _ = ~tcp
    assert.equal("22 631 8080", select(both))
    assert.equal("22 53 631 8080", select(listening))
  end)

  it("outlives its parts", function()
    local both = p "tcp" & p "listening"
    collectgarbage()
    collectgarbage()
    assert.equal("22 631 8080", select(both))
  end)
end)

describe("a wrong filter", function()
  local function refuses(spec, what)
    local built, message = predicate.build(spec)
    assert.is_nil(built)
    if not message:find(what, 1, true) then assert.equal(what, message) end
  end

  it("names the field that is near", function()
    refuses({lprt = 80}, "unknown field 'lprt': did you mean 'lport'?")
    refuses({qqqqq = 1}, "unknown field 'qqqqq'")
  end)

  it("names the state that is near, or all of them", function()
    refuses({state = "listn"}, [[state: "listn": did you mean "listen"?]])
    refuses({state = "zzz"}, "is none of: established syn-sent")
  end)

  it("names the service that is near", function()
    refuses({lport = "domian"}, [[unknown service "domian": did you mean "domain"?]])
  end)

  it("names the word that is near", function()
    refuses("listning", [[unknown word "listning": did you mean "listening"?]])
  end)

  it("does not take a number for text, or text for a number", function()
    refuses({process = 5}, "process is text, not a number: write a string")
    refuses({pid = "sshd"}, [[pid: "sshd" is no number]])
  end)

  it("does not take what is no port or address", function()
    refuses({lport = 65536}, "lport: ports are 0 to 65535")
    refuses({lport = -1}, "lport: -1 is not a whole number from 0")
    refuses({lport = 0.5}, "lport: 0.5 is not a whole number from 0")
    refuses({lport = pi.range(1, 70000)}, "lport: ports are 0 to 65535")
    refuses({laddr = "300.1.1.1"}, "is no address")
    refuses({laddr = "10.0.0.0/33"}, "ends at /32")
  end)

  it("does not take an empty set, which would match nothing", function()
    refuses({lport = {}}, "lport: an empty set matches nothing")
    refuses({port = {}}, "an empty set matches nothing")
  end)

  it("does not take values of other kinds", function()
    refuses({lport = print}, "lport: a value is a string, a number or pi.range")
    refuses({lport = {{80}}}, "lport: a value is a string, a number or pi.range")
    refuses(5, "a filter is a string, a table, a predicate or a function, not a number")
    refuses({{5}}, "a filter is a string, a table, a predicate or a function, not a number")
    refuses({[true] = 1}, "a filter's keys are fields, not true")
    refuses({[3] = "tcp"}, "a filter's keys are fields, not 3")
  end)

  it("gives the same complaint each time", function()
    for _ = 1, 10 do refuses({aaa = 1, bbb = 2, zzz = 3}, "unknown field 'aaa'") end
  end)
end)

describe("the text of a predicate", function()
  it("says the same in the filter language", function()
    assert.equal("lport in {80, 443} and not process = nginx*",
      (pi.p{lport = {80, 443}} & ~pi.p{process = "nginx*"}):text())
    assert.equal("", pi.p():text())
  end)

  it("is none for what no text can say", function()
    local text, message = pi.p{process = "a'b\"c"}:text()
    assert.is_nil(text)
    assert.matches("no way to write", message)
  end)
end)
