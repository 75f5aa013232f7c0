/* CRC-16/CCITT-FALSE: tells whether what is read from memory was written whole. */
#ifndef CC_CRC_H
#define CC_CRC_H

#include <stddef.h>
#include <stdint.h>

uint16_t cc_crc16(const void *bytes, size_t size);

#endif
