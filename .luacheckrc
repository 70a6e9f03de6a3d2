-- .luacheckrc: what the Lua files may assume.
std = "lua54"
max_line_length = 100

files["tests/lua"] = {std = "+busted"}
files["tests/lua/helper.lua"] = {std = "lua54"}
files["examples/audit"] = {read_globals = {"pi"}}
files["tests/rules/good.lua"] = {max_line_length = false} -- as --write-baseline writes it
