/* netns.h: which network namespaces there are, and a look from inside of them.
 */
#ifndef PI_OS_LINUX_NETNS_H
#define PI_OS_LINUX_NETNS_H

#include "../../core/collect.h"

/* Fills in the namespaces that want->netns names, and says in the quality
 * record whose could not be told. A name, path or process that is not there is
 * PI_EOS. */
int pi__netns_list(const pi__want *want, pi__reading *reading, pi_error *err);

typedef int (*pi__netns_run)(const pi__want *want, pi__reading *reading,
                             void *arg, pi_error *err);

/* Turns to one namespace after the other and calls `run` there: for the
 * caller's own in its own thread, for others in one that has entered it. One
 * that cannot be entered is left out, and marked as refused if it is sockets
 * that are wanted; of the first such *refusal tells. Ends early if `run` does
 * not return 0. */
int pi__netns_each(const pi__want *want, pi__reading *reading,
                   pi__netns_run run, void *arg, pi_error *refusal,
                   pi_error *err);

/* May there be namespaces, of those that were asked for, that could not be
 * entered; and was any? */
bool pi__netns_incomplete(const pi__want *want, pi__reading *reading);
bool pi__netns_any(pi__reading *reading);

/* Finds names for the namespaces of the reading. */
int pi__netns_name(const pi__want *want, pi__reading *reading, pi_error *err);

#endif
