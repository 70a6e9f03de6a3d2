rockspec_format = "3.0"
package = "portinfo"
version = "scm-1"
source = {
   url = "git+file://.",
}
description = {
   summary = "What a port is, who holds it, should it be so",
   detailed = [[
      Sockets joined to the processes that hold them, and what the registries
      know of ports, offline and in milliseconds.
   ]],
   license = "MIT",
}
dependencies = {
   "lua >= 5.4, < 5.6",
}
build = {
   type = "make",
   build_target = "module",
   install_target = "install-module",
   build_variables = {
      CFLAGS = "$(CFLAGS)",
      LIBFLAG = "$(LIBFLAG)",
      LUA_INCDIR = "$(LUA_INCDIR)",
      BPF = "0",
   },
   install_variables = {
      INST_LIBDIR = "$(LIBDIR)",
      INST_LUADIR = "$(LUADIR)",
      LUA_INCDIR = "$(LUA_INCDIR)",
      BPF = "0",
   },
}
test = {
   type = "command",
   command = "make check SUITES=lua",
}
