#!/usr/bin/env bats
# tab.bats: what Tab offers at the prompt.

load helpers/tab

prompt() {
  start "$PORTINFO"
  shows 'portinfo>'
}

@test "Tab follows names, types and filters along one line" {
  prompt
  completes 'pi.sock' 'portinfo> pi.sockets'
  completes '{sta' 'portinfo> pi.sockets{sta'
  completes 'te = "lis' 'portinfo> pi.sockets{state = "listen'
  completes '"}:wher' 'portinfo> pi.sockets{state = "listen"}:where'
  completes ' "proto = ud' 'portinfo> pi.sockets{state = "listen"}:where "proto = udp'
  completes '":lim' 'portinfo> pi.sockets{state = "listen"}:where "proto = udp":limit'
}

@test "two Tabs list what there is, and the line goes on" {
  prompt
  keys -l 'pi.s'
  keys Tab Tab
  sees '^search +service +snapshot +sockets'
  shows 'portinfo> pi.s'
  completes 'na' 'portinfo> pi.snapshot'
}

@test "a word in another case is replaced only by one that is sure" {
  prompt
  completes 'pi.p "STATE = LI' 'portinfo> pi.p "STATE = listen'
  keys C-u
  completes 'pi.p "STATE = CLOS' 'portinfo> pi.p "STATE = CLOS'
}

@test "Tab completes dot commands, and files where one is named" {
  prompt
  completes '.hel' 'portinfo> .help'
  keys C-u
  mkdir "$T/kept" && touch "$T/kept/morning.ndjson" "$T/kept/mo'rning"
  completes "pi.load(\"$T/ke" "portinfo> pi.load(\"$T/kept/"
  completes 'mo' "portinfo> pi.load(\"$T/kept/morning.ndjson"
}

@test "Tab knows the ports and the processes of this moment" {
  listen 'tab: holder'
  prompt
  completes "pi.who(${PORT%?}" "portinfo> pi.who($PORT"
  keys C-u
  completes 'pi.p "process = tab' "portinfo> pi.p \"process = 'tab: holder'"
  keys C-u
  completes 'pi.sockets{process = "tab' 'portinfo> pi.sockets{process = "tab: holder'
}

@test "a hostile name is never offered" {
  listen $'\e[31mtab\n'
  prompt
  keys -l 'pi.p "process = '
  keys Tab Tab
  keys -l 'x'
  shows 'portinfo> pi.p "process = x' || has 'process = .*x'
  ! has 'tab'
}

@test "Tab runs nothing, whatever the globals are" {
  prompt
  keys -l 'trap = setmetatable({inner = 1}, {__index = function() print "touched" end})'
  keys Enter
  shows 'portinfo>'
  completes 'trap.inn' 'portinfo> trap.inner'
  completes '.x' 'portinfo> trap.inner.x'
  ! has '^touched'
}

@test "the prompt lives on after a Tab that finds nothing, and after Ctrl-C" {
  prompt
  completes 'pi.nosuch' 'portinfo> pi.nosuch'
  keys C-c
  shows 'portinfo>'
  keys -l '"alive " .. 1 + 1'
  keys Enter
  sees '^alive 2$'
}

# Sets another completer from the prompt, and presses Tab.
tabs_with() {
  keys -l "set(function() $1 end)"
  keys Enter
  shows 'portinfo>'
  keys -l 'ab.cd'
  keys Tab
  keys -l 'e'
  shows 'portinfo> ab.cde'
  keys C-u
}

@test "a completer that fails, lies or never ends is given up" {
  prompt
  keys -l "set = require 'portinfo.terminal'.set_completer"
  keys Enter
  shows 'portinfo>'
  tabs_with 'error "no"'
  tabs_with 'error(setmetatable({}, {__tostring = error}))'
  tabs_with 'while true do pcall(function() while true do end end) end'
  tabs_with 'local co = coroutine.wrap(function() while true do end end) co()'
  tabs_with 'return nil'
  tabs_with 'return {"x"}'
  tabs_with 'return {"x"}, 0'
  tabs_with 'return {"x"}, 1e9'
  tabs_with 'return {"x"}, math.mininteger'
  tabs_with 'return {1, {}, print, ""}, 1'
  tabs_with 'return "files", 99'
  tabs_with 'return ("x"):rep(99, " ")'
  keys -l '"alive " .. 1 + 1'
  keys Enter
  sees '^alive 2$'
}

@test "a completer may begin before or behind the word of readline" {
  prompt
  keys -l "require 'portinfo.terminal'.set_completer(function(l, c)
    return l:find '^ab' and {'ab.cdef'} or {'yz'}, l:find '^ab' and 1 or c + 1 end)"
  keys Enter
  shows 'portinfo>'
  completes 'ab.cd' 'portinfo> ab.cdef'
  keys C-u
  completes 'wx' 'portinfo> wxyz'
}

@test "what takes longer than it may is stopped, and said to be" {
  run "$PORTINFO" -e 'local t = require "portinfo.terminal"
    print(t.within(50, function() while true do pcall(function() while true do end end) end end))
    print(t.within(60000, function(...) return select("#", ...), ... end, 7, nil))
    print(t.within(60000, t.within, 50, function() while true do end end))
    print(t.within(50, t.within, 60000, function() while true do end end))
    print(pcall(t.within, 1))'
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == false*interrupted ]]
  [ "${lines[1]}" = $'true\t2\t7\tnil' ]
  [[ ${lines[2]} == true*false*interrupted ]]
  [[ ${lines[3]} == true*false*interrupted ]]
  [[ ${lines[4]} == false*'bad argument #2'* ]]
}
