/* terminal.h: the Lua module portinfo.terminal, and the interrupt flag. */
#ifndef PI_REPL_TERMINAL_H
#define PI_REPL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

/* Handles SIGINT: sets the flag, which Lua's hook and the library's loops ask
 * for, and which a prompt clears. A second SIGINT ends a program that did not
 * stop for the first, unless it has shown a prompt. */
void terminal_catch_interrupts(void);

/* Callable from any thread. */
bool terminal_interrupted(void);

/* A prompt begins or ends: clears the flag. */
void terminal_at_prompt(void);

/* Milliseconds since some moment, by a clock that nobody sets. */
int64_t terminal_now_ms(void);

/* [-(arguments + 1), +(results|1), -] lua_pcall for at most `ms` milliseconds,
 * or what is left of the time of one around it: then it fails, as interrupted.
 */
int terminal_call_within(lua_State *L, int arguments, int results, int ms);

/* [-0, +1, m] Opens portinfo.terminal:
 *
 *   is_terminal(fd)      is this descriptor (0, 1, 2) one?
 *   width(), height()    columns and lines of the screen, or nil
 *   read(prompt[, finished[, shown]])
 *                        a line; nil at the end; false if interrupted, which
 *                        clears the flag. With GNU readline Enter asks
 *                        finished(text), and while that is false goes on in a
 *                        next line: the text then has several.
 *                        shown() is called once the prompt is there
 *   sleep(seconds)       true; false as soon as the flag is set
 *   page(command, text)  gives the text to a pager: its exit status, or nil and
 *                        a message
 *   interrupted()        the flag
 *   heed()               from now on SIGTERM and SIGHUP set it, too, and a new
 *                        size of the screen wakes who waits
 *   call(f, ...)         as pcall, but ok, interrupted, results; clears the
 *                        flag
 *   within(ms, f, ...)   as pcall, but f is stopped after so many milliseconds
 *   set_completer(f)     Tab calls f(line, cursor), `cursor` bytes into it, for
 *                        a short time, and offers what it returns: a list, and
 *                        from which byte on its entries replace the line; or
 *                        "files". What it raises is not shown. Without GNU
 *                        readline it is never called.
 *   guard_keys()         keeps the editor from keys that somebody else can have
 *                        bound: nothing, or the path of their file and why
 *   read_own(path)       the text of a file that nobody else can have written;
 *                        false if there is none, nil and why not
 *   fork(f), limit(seconds, bytes)
 *                        f in a process of its own, and its bounds: child.c
 *   is_special(path)     is it a device, a pipe or a socket?
 *   remember(text)       adds to the history
 *   load_history(path), append_history(path)
 *                        true, or nil and a message; the last entry is appended
 */
int luaopen_portinfo_terminal(lua_State *L);

/* [-0, +0, m] Add the functions of child.c, files.c, line.c and pager.c to the
 * module on top. */
void terminal_add_child(lua_State *L);
void terminal_add_files(lua_State *L);
void terminal_add_lines(lua_State *L);
void terminal_add_pager(lua_State *L);

#endif
