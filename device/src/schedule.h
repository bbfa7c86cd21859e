/* When to ask, and when to begin. Pure functions: time and chance are the caller's. */
#ifndef PM_SCHEDULE_H
#define PM_SCHEDULE_H

#include "pm/update.h"

/* Seconds until the next poll. After a good one: poll_s, a quarter more or less. After `failures`
 * in a row: half to the whole of a minute doubled with each, at most poll_s. `chance` is a random
 * number: units that were switched on together, or that lost a server together, spread. */
uint32_t pm_schedule_next_s(uint32_t poll_s, uint32_t failures, uint32_t chance);

/* May an update that is known for waited_s begin? Not while the owner postponed it, nor outside
 * the window; but once it waited for policy->wait_maximum_s nothing holds it back. With an unknown
 * time there is no telling whether the window is open, so only that bound begins it. */
bool pm_schedule_may_begin(const struct pm_update_policy *policy, uint32_t waited_s,
                           uint32_t postponed_s, uint64_t time_s);

#endif
