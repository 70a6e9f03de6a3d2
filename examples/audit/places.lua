-- places.lua: predicates that several rules share. `require "places"` from a rule in this
-- folder.

return {
  here = pi.p "exposure = loopback",
  inside = pi.p "laddr = 10.0.0.0/8 or laddr = 192.168.0.0/16 or laddr = fd00::/8",
}
