/* plan.h: from a filter to the cheapest reading that can answer it. */
#ifndef PI_CORE_PLAN_H
#define PI_CORE_PLAN_H

#include "collect.h"

/* Sets want->states and want->families to a superset of what rows that satisfy
 * the filter (NULL: all) can have. */
void pi__plan(const pi_filter *filter, pi__want *want);

#endif
