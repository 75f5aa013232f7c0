#include "crc.h"

uint16_t cc_crc16(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint16_t crc = 0xffff;
    for (; size > 0; size--) {
        crc ^= (uint16_t)(*at++ << 8);
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0));
        }
    }
    return crc;
}
