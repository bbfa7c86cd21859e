/* The verbs of `proofmark release`, each a file of its own: release_NAME.c. Each takes its own
 * argument vector and returns the exit code. release.c has the table that calls them. */
#ifndef CLI_RELEASE_H
#define CLI_RELEASE_H

int release_build(int argc, char **argv);
int release_channel(int argc, char **argv);
int release_delta(int argc, char **argv);
int release_keygen(int argc, char **argv);
int release_layout(int argc, char **argv);
int release_revoke(int argc, char **argv);
int release_rotate(int argc, char **argv);
int release_sign(int argc, char **argv);

#endif
