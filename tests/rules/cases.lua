-- cases.lua: every rule that is built in, where it should fail, where it should pass, and
-- where it cannot tell.
--
--   bad     everything is wrong once        good   nothing is
--   blind   the same as good, but the dumps were cut short
--   user    as an ordinary user: the programs of root cannot be looked into
--   debian  as installed, with ssh

local ids = {}
for _, rule in ipairs(require "portinfo.rules") do ids[#ids + 1] = rule.id end

local function all(verdict, but)
  local expect = {}
  for _, id in ipairs(ids) do expect[id] = verdict end
  for id, other in pairs(but or {}) do expect[id] = other end
  return expect
end

local debian = all("pass", {["exposed-login"] = {verdict = "fail", findings = 2}})
debian["new-listener"] = nil -- judged with a baseline alone

local function found(n) return {verdict = "fail", findings = n} end

return {
  cases = {
    {name = "bad", reading = "bad.ndjson", baseline = "nothing.lua", expect = all(found(1), {
      ["exposed-login"] = found(1), ["new-listener"] = found(17),
      -- WireGuard and gRPC both chose a port of the client range
      ["ephemeral-listener"] = found(2),
    })},
    {name = "good", reading = "good.ndjson", baseline = "good.lua", expect = all "pass"},
    {name = "blind", reading = "blind.ndjson", baseline = "good.lua",
     expect = all "inconclusive"},
    {name = "as an ordinary user", reading = "user.ndjson", baseline = "nothing.lua", expect = {
      ["exposed-login"] = found(1), ["unheld-listener"] = "inconclusive",
      ["stale-program"] = "inconclusive", ["shadowed-bind"] = "inconclusive",
      ["accept-queue"] = "pass",
    }},
    {name = "a fresh Debian", reading = "debian.ndjson", expect = debian},
  },
}
