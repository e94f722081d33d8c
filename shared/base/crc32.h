/*
 * crc32: the checksum of Ethernet, gzip and AWS's replies (ISO 3309, reflected
 * 0x04C11DB7): it finds damage, not tampering.
 * Threads: safe from any.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

uint32_t crc32_of(struct str bytes);

#endif
