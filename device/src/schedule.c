/* See schedule.h. */
#include "schedule.h"

enum { RETRY_S = 60, DOUBLINGS = 12, DAY_S = 86400 };

static uint32_t up_to(uint32_t chance, uint32_t span) {
    return span ? chance % (span + 1) : 0;
}

uint32_t pm_schedule_next_s(uint32_t poll_s, uint32_t failures, uint32_t chance) {
    if (failures == 0) return poll_s - poll_s / 4 + up_to(chance, poll_s / 2);
    uint32_t wait_s = (uint32_t)RETRY_S << (failures < DOUBLINGS ? failures - 1 : DOUBLINGS - 1);
    if (wait_s > poll_s) wait_s = poll_s;
    return wait_s / 2 + up_to(chance, wait_s - wait_s / 2);
}

bool pm_schedule_may_begin(const struct pm_update_policy *policy, uint32_t waited_s,
                           uint32_t postponed_s, uint64_t time_s) {
    if (waited_s >= policy->wait_maximum_s) return true;
    if (waited_s < postponed_s) return false;
    if (policy->window_length_s == 0) return true;
    if (time_s == PM_TIME_UNKNOWN) return false;
    uint32_t of_day_s = (uint32_t)(time_s % DAY_S);
    uint32_t since_s = (of_day_s + DAY_S - policy->window_start_s % DAY_S) % DAY_S;
    return since_s < policy->window_length_s;
}
