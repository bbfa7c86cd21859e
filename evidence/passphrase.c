/* Passphrases, from a descriptor or a terminal; see key.h. */
#include "evidence/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void passphrase_wipe(struct passphrase *passphrase) {
    OPENSSL_cleanse(passphrase, sizeof *passphrase);
}

/* One line, byte by byte so that nothing behind it is consumed. false: the read failed or
 * was interrupted (errno says why). */
static bool read_line(int fd, struct passphrase *out, bool *too_long) {
    *too_long = false;
    out->size_bytes = 0;
    for (;;) {
        char character;
        ssize_t got = read(fd, &character, 1);
        if (got < 0) return false;
        if (got == 0 || character == '\n') return true;
        if (out->size_bytes == sizeof out->text - 1) {
            *too_long = true;
        } else {
            out->text[out->size_bytes++] = character;
            out->text[out->size_bytes] = '\0';
        }
    }
}

static enum status judge(const struct passphrase *passphrase, bool too_long, struct error *error) {
    if (too_long) {
        return error_input(error, "the passphrase is longer than %d bytes", PASSPHRASE_MAXIMUM - 1);
    }
    if (passphrase->size_bytes == 0) return error_input(error, "the passphrase is empty");
    if (memchr(passphrase->text, '\0', passphrase->size_bytes)) {
        return error_input(error, "the passphrase holds a zero byte");
    }
    return STATUS_OK;
}

static enum status from_descriptor(int fd, struct passphrase *out, struct error *error) {
    bool too_long = false;
    /* A file could be read anew by what is started later: the product's tests. */
    if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!read_line(fd, out, &too_long)) {
        return error_input(error, "descriptor %d: the passphrase cannot be read: %s", fd,
                           strerror(errno));
    }
    return judge(out, too_long, error);
}

/* The signal that came while the terminal's echo was off. */
static volatile sig_atomic_t caught;

static void on_signal(int number) {
    caught = number;
}

enum { HANDLED = 4 };
static const int handled[HANDLED] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Asks once with echo off. A signal restores the terminal first and is then delivered as
 * it would have been. */
static enum status ask(int terminal, const char *question, const char *about,
                       struct passphrase *out, struct error *error) {
    struct termios before, quiet;
    struct sigaction old[HANDLED], action;
    bool too_long = false;
    if (tcgetattr(terminal, &before) != 0) {
        return error_environment(error, "the terminal's echo cannot be turned off: %s",
                                 strerror(errno));
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* without SA_RESTART: it ends the read */
    caught = 0;
    for (size_t i = 0; i < HANDLED; i++) {
        sigaction(handled[i], &action, &old[i]);
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    bool read_all = false;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) == 0) {
        dprintf(terminal, "%s%s%s: ", question, about ? " for " : "", about ? about : "");
        read_all = !caught && read_line(terminal, out, &too_long);
        tcsetattr(terminal, TCSAFLUSH, &before);
        dprintf(terminal, "\n");
    }
    for (size_t i = 0; i < HANDLED; i++) {
        sigaction(handled[i], &old[i], NULL);
    }
    if (caught) raise(caught);
    if (!read_all) return error_environment(error, "the passphrase could not be asked for");
    return judge(out, too_long, error);
}

static enum status from_terminal(const struct passphrase_source *source, struct passphrase *out,
                                 struct error *error) {
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        return error_input(error,
                           "no terminal to ask for the passphrase on; "
                           "give it with --passphrase-fd N%s",
                           source->twice ? ", or choose --no-passphrase" : "");
    }
    enum status status = ask(terminal, "Passphrase", source->about, out, error);
    if (status == STATUS_OK && source->twice) {
        struct passphrase again;
        status = ask(terminal, "The same again", NULL, &again, error);
        if (status == STATUS_OK && (again.size_bytes != out->size_bytes ||
                                    CRYPTO_memcmp(again.text, out->text, out->size_bytes) != 0)) {
            status = error_input(error, "the two passphrases differ");
        }
        passphrase_wipe(&again);
    }
    close(terminal);
    return status;
}

enum status passphrase_read(const struct passphrase_source *source, struct passphrase *out,
                            struct error *error) {
    memset(out, 0, sizeof *out);
    if (source->fd == PASSPHRASE_PROMPT) return from_terminal(source, out, error);
    if (source->fd >= 0) return from_descriptor(source->fd, out, error);
    return error_input(error, "is encrypted and no passphrase was given");
}
