/* plan.h: from a filter to the cheapest reading that can answer it. */
#ifndef PI_CORE_PLAN_H
#define PI_CORE_PLAN_H

#include "collect.h"

/* Sets want->states, want->families and want->steps so that every row which may
 * satisfy the filter (NULL: all) is read. */
void pi__plan(const pi_filter *filter, pi__want *want);

/* Would the kernel say of every row what the filter says? */
bool pi__plan_exact(const pi_filter *filter);

#endif
