/* CRC-32/ISO-HDLC (polynomial 0x04c11db7 reflected, as in IEEE 802.3 and zlib): finds torn
 * writes, proves nothing about who wrote. */
#ifndef FORMAT_CRC32_H
#define FORMAT_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t pm_crc32(const uint8_t *bytes, size_t size_bytes);

#endif
