/* process.h: what the process is, before anything of ours runs. */
#ifndef PI_REPL_PROCESS_H
#define PI_REPL_PROCESS_H

/* Standard input, output and errors exist from here on, so that no file that is
 * opened later takes the place of one that was closed and gets what is meant
 * for it: reading from or writing to such a one fails. 0 or an errno. */
int process_fill_descriptors(void);

/* Gives up for good what a set-user-ID or set-group-ID bit or capabilities of
 * the program's file gave: it runs Lua, reads and writes files, and starts
 * pagers for whoever calls it. What the caller has stays, ambient capabilities
 * included. 0 or an errno. */
int process_drop_privileges(void);

#endif
