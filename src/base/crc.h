/* Cyclic redundancy checks as storage services use them: CRC-32C (RFC 3720 section 12.1 and appendix B.4), CRC-32 (ISO
 * 3309, as in gzip), CRC-64/NVME (NVM Express NVM Command Set Specification 1.0, section 5.2.1.3.4). Against accidents,
 * not against adversaries. Any thread. (zlib has a crc32 of its own: these names must not be taken for it.) */
#ifndef TIDEMILL_BASE_CRC_H
#define TIDEMILL_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The check of bytes that follow those which gave `before` (0 at first): crc_32c(crc_32c(0, a), b) is that of a and b.
 */
uint32_t crc_32c(uint32_t before, const void *data, size_t length);
uint32_t crc_32(uint32_t before, const void *data, size_t length);
uint64_t crc_64nvme(uint64_t before, const void *data, size_t length);

#endif
