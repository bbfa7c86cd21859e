/* mbedTLS's default configuration without what needs an operating system. Entropy comes
 * from mbedtls_hardware_poll(), which the corpus answers with a fixed sequence. */
#ifndef CORPUS_MBEDTLS_CONFIG_H
#define CORPUS_MBEDTLS_CONFIG_H

#include <mbedtls/config.h>

#undef MBEDTLS_NET_C
#undef MBEDTLS_TIMING_C
#undef MBEDTLS_FS_IO
#undef MBEDTLS_HAVE_TIME
#undef MBEDTLS_HAVE_TIME_DATE
#undef MBEDTLS_PSA_ITS_FILE_C
#undef MBEDTLS_PSA_CRYPTO_STORAGE_C
#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT

#endif
