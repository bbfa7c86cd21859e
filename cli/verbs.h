/* The verbs of the program. Each takes its own argument vector (argv[0] is the verb) and
 * returns the exit code: 0 done, 1 refused or found wanting, 2 wrong use. main.c has the
 * table that calls them. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

struct harden_result;

int verb_check(int argc, char **argv);
int verb_harden(int argc, char **argv);
int verb_init(int argc, char **argv);
int verb_keygen(int argc, char **argv);
int verb_release(int argc, char **argv);
int verb_ship(int argc, char **argv);
int verb_verify(int argc, char **argv);

/* On stderr, for `verb`: which protection the image was left without, and why. harden.c */
void tell_left_out(const char *verb, const struct harden_result *result);

#endif
