/* Every word that a buyer reads on the page and the label, in one table a language.
 *
 * Templates have {0}, {1}, ... where a value goes. word_fill() puts the values in as they
 * are: escaping is the business of who knows the form of the output. */
#ifndef REGISTRY_WORDS_H
#define REGISTRY_WORDS_H

#include "base/arena.h"

/* name, English */
#define WORDS(X)                                                                                   \
    X(TITLE, "{0} {1}: security label")                                                            \
    X(BRAND, "Proofmark")                                                                          \
    X(MODEL, "Model")                                                                              \
    X(FIRMWARE, "Firmware")                                                                        \
    X(MADE_BY, "Made by")                                                                          \
    X(SUPPORT_UNTIL, "Security fixes until")                                                       \
    X(SUPPORT_UNTIL_MONTH, "Security fixes until {0}")                                             \
    X(REPORT, "Report a security hole")                                                            \
    X(REPORT_POLICY, "How reports are handled")                                                    \
    X(VALID, "Valid until {0}. After that day, read every line below as “unknown”.")               \
    X(KINDS, "How to read it")                                                                     \
    X(TESTED, "Tested")                                                                            \
    X(RECORDED, "Recorded")                                                                        \
    X(DECLARED, "Declared")                                                                        \
    X(TESTED_MEANS, "Anyone can check it again on the firmware itself.")                           \
    X(RECORDED_MEANS, "A signed record says that it was done.")                                    \
    X(DECLARED_MEANS, "The maker gives its word.")                                                 \
    X(EVIDENCE, "Evidence")                                                                        \
    X(N_OF, "{0} of {1}")                                                                          \
    X(RETURNS, "Return addresses are sealed in {0} of {1} places.")                                \
    X(RETURNS_FIXED_KEY, "Return addresses are sealed with a fixed key in {0} of {1} places.")     \
    X(RETURNS_BOOT,                                                                                \
      "In these places a function seals the return address that it keeps on the "                  \
      "stack, with a secret that the maker's random source gives at each start (how "              \
      "random it is, only the maker can say), so that an overwritten one does not "                \
      "lead where an attacker wants.")                                                             \
    X(RETURNS_FIXED,                                                                               \
      "In these places a function seals the return address that it keeps on the "                  \
      "stack, with a fixed key: it is the same in every unit and stands in the firmware.")         \
    X(RETURNS_NONE, "An overwritten return address leads where an attacker wants.")                \
    X(RETURNS_ZERO, "No return address is sealed: 0 of {1} places.")                               \
    X(RETURNS_ABSENT, "There is no return address to seal.")                                       \
    X(RETURNS_ABSENT_DETAIL, "No function keeps one on the stack.")                                \
    X(EXEMPT, " Left out before there is a secret, or by the maker's choice: {0}.")                \
    X(UNSEALED, " Not sealed: {0}.")                                                               \
    X(UNSEALED_NONE, " No function is left out.")                                                  \
    X(CALLS, "Indirect calls are checked in {0} of {1} places.")                                   \
    X(CALLS_DETAIL,                                                                                \
      "In these places a call through a pointer reaches only functions whose address the program " \
      "takes somewhere.")                                                                          \
    X(CALLS_ZERO, "No indirect call is checked: 0 of {1} places.")                                 \
    X(CALLS_NONE, "An overwritten pointer to a function leads where an attacker wants.")           \
    X(CALLS_ABSENT, "There is no indirect call to check.")                                         \
    X(CALLS_ABSENT_DETAIL, "The program makes no call through a pointer.")                         \
    X(UNCHECKED, " Not checked: {0}.")                                                             \
    X(REASON, "{0} because {1}")                                                                   \
    X(REASON_NAMES, "{0} because {1} ({2})")                                                       \
    X(OTHER_REASONS, "{0} for other reasons")                                                      \
    X(AND_MORE, "{0} and {1} more")                                                                \
    X(MEMORY, "Data does not run as code.")                                                        \
    X(MEMORY_BUT, "Of RAM, only {0} bytes run as code.")                                           \
    X(SOME, "some")                                                                                \
    X(MEMORY_DETAIL,                                                                               \
      "Before the program's first instruction the memory protection unit is set up: memory that "  \
      "can be written does not execute, code and constants cannot be written.")                    \
    X(MEMORY_RAM_CODE, " Exception: the firmware runs code of its own from RAM ({0}).")            \
    X(MEMORY_STACK_GUARD, " A stack that overflows runs into a guard.")                            \
    X(MEMORY_NULL_GUARD, " Address 0 is not there to be read or written.")                         \
    X(MEMORY_WRITABLE, " Exception: beside the code the firmware may write at: {0}.")              \
    X(MEMORY_NONE, "No memory map is set up.")                                                     \
    X(MEMORY_NONE_DETAIL, "Data may run as code if the firmware does not prevent that itself.")    \
    X(ORIGINAL, "Nothing of the maker's program was lost or changed.")                             \
    X(ORIGINAL_DETAIL,                                                                             \
      "Compared with the firmware before hardening, function by function: of {0}, {1} moved, {2} " \
      "stayed where they were, and {3} that cannot run were left out.")                            \
    X(BUILD, "It is on record what this firmware was made from.")                                  \
    X(BUILD_DETAIL, "Hardened by {0}, profile {1}, from the firmware whose SHA-256 begins {2}.")   \
    X(TEST, "The maker's tests passed on this very image.")                                        \
    X(TEST_DETAIL, "Command: {0}")                                                                 \
    X(SUPPORT, "Security fixes until {0}.")                                                        \
    X(SUPPORT_DETAIL, "{0} says so.")                                                              \
    X(FIELDS, "What the maker says")                                                               \
    X(FIELD_AUTHORISATION, "Authorised")                                                           \
    X(FIELD_ADMINISTRATOR, "Label administrator")                                                  \
    X(FIELD_LABORATORY, "Tested by laboratory")                                                    \
    X(FIELD_PASSWORD, "Default password")                                                          \
    X(FIELD_PASSWORD_YES, "Can be changed: {0}")                                                   \
    X(FIELD_PASSWORD_NO, "Cannot be changed: {0}")                                                 \
    X(FIELD_CONFIGURATION, "Setting it up securely")                                               \
    X(FIELD_UPDATES, "Updates")                                                                    \
    X(FIELD_UPDATES_YES, "Automatic. {0}")                                                         \
    X(FIELD_UPDATES_NO, "Not automatic. {0}")                                                      \
    X(FIELD_SBOM, "List of software parts (SBOM)")                                                 \
    X(FIELD_HBOM, "List of hardware parts (HBOM)")                                                 \
    X(FIELD_ACCESS, "Access control")                                                              \
    X(FIELD_DATA, "Data it collects")                                                              \
    X(FIELD_REPORT, "Laboratory's report")                                                         \
    X(MAINTAINED, "Maintained")                                                                    \
    X(NOT_MAINTAINED, "Not maintained")                                                            \
    X(SCHEMES, "Schemes")                                                                          \
    X(GRANT, "Grant {0}")                                                                          \
    X(LIMITS, "What this label does not say")                                                      \
    X(LIMIT_1, "It does not say that the product has no holes: it makes some kinds of attack "     \
               "harder, and says how far.")                                                        \
    X(LIMIT_2, "It is about the one firmware version named here, not about apps, clouds or "       \
               "later versions.")                                                                  \
    X(LIMIT_3, "A copied code leads to this same page. The page speaks of the firmware, not of "   \
               "the unit in your hand.")                                                           \
    X(CHECK, "Check it yourself")                                                                  \
    X(CHECK_HOW, "Get this folder and the maker's public key from a source that you trust, and "   \
                 "run:")                                                                           \
    X(SIGNED_BY, "Signed with the key")                                                            \
    X(ISSUED, "Issued {0}")                                                                        \
    X(IMAGE_SHA, "Firmware's SHA-256")                                                             \
    X(LABEL_BRAND, "PROOFMARK")                                                                    \
    X(LABEL_MODEL, "{0} · firmware {1}")                                                           \
    X(LABEL_REPORT, "Security hole? {0}")                                                          \
    X(LABEL_FOOT, "Valid until {0} · firmware SHA-256 {1}… · key {2}…")                            \
    X(LABEL_TESTED, "tested: anyone can check it again")                                           \
    X(LABEL_RECORDED, "on record")                                                                 \
    X(LABEL_DECLARED, "the maker's word")                                                          \
    X(SHORT_MEMORY, "Data does not run as code")                                                   \
    X(SHORT_MEMORY_NONE, "No memory map is set up")                                                \
    X(SHORT_RETURNS_ZERO, "Return addresses: none sealed")                                         \
    X(SHORT_CALLS_ZERO, "Indirect calls: none checked")                                            \
    X(SHORT_TEST, "The maker's tests passed")                                                      \
    X(SHORT_RETURNS, "Return addresses sealed: {0} of {1}")                                        \
    X(SHORT_RETURNS_FIXED, "Sealed with a fixed key: {0} of {1}")                                  \
    X(SHORT_CALLS, "Indirect calls checked: {0} of {1}")                                           \
    X(SCAN, "Scan to check")                                                                       \
    X(QR_ALT, "QR code that leads to {0}")

enum word {
#define WORD(name, english) WORD_##name,
    WORDS(WORD)
#undef WORD
        WORD_COUNT
};

const char *word(enum word word);

/* Up to four values, ended by NULL when fewer. */
const char *word_fill(struct arena *arena, enum word word, const char *const values[4]);

#define WORD_FILL(arena, name, ...) \
    word_fill((arena), WORD_##name, (const char *const[4]){__VA_ARGS__})

#endif
