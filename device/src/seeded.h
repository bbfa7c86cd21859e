/* Faults that tests compile in on purpose, to see that the power-cut harness finds them
 * (-DPM_SEEDED_BUG=n). A product never defines it, and the compiler drops what it guards. */
#ifndef PM_SEEDED_H
#define PM_SEEDED_H

#ifndef PM_SEEDED_BUG
#define PM_SEEDED_BUG 0
#endif

enum pm_seeded_bug {
    PM_BUG_NONE,
    PM_BUG_SECOND_RECORD_UNCHECKED, /* the CRC of the second sector's record is not looked at */
    PM_BUG_SEAL_FIRST,              /* the seal, a slot's magic, is written before the image */
    PM_BUG_FLOOR_EARLY,             /* the floor rises when a trial begins */
    PM_BUG_BASE_UNHASHED,           /* a patch is applied to whatever the other slot holds */
};

#endif
