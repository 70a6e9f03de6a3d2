/* terminal.h: the Lua module portinfo.terminal, and the interrupt flag. */
#ifndef PI_REPL_TERMINAL_H
#define PI_REPL_TERMINAL_H

#include <stdbool.h>

#include <lua.h>

/* Handles SIGINT: sets the flag, which Lua's hook and the library's loops ask
 * for, and which a prompt clears. A second SIGINT ends a program that did not
 * stop for the first, unless it has shown a prompt. */
void terminal_catch_interrupts(void);

/* Callable from any thread. */
bool terminal_interrupted(void);

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
 *   call(f, ...)         as pcall, but ok, interrupted, results; clears the
 *                        flag
 *   read_own(path)       the text of a file that nobody else can have written;
 *                        false if there is none, nil and why not
 *   remember(text)       adds to the history
 *   load_history(path), append_history(path)
 *                        true, or nil and a message; the last entry is appended
 */
int luaopen_portinfo_terminal(lua_State *L);

/* [-0, +0, m] Add the functions of files.c and pager.c to the module on top. */
void terminal_add_files(lua_State *L);
void terminal_add_pager(lua_State *L);

#endif
