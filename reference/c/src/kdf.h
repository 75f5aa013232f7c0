/* Keys from keys: NIST SP 800-108 in counter mode with AES-CMAC (RFC 4493), which for one block of
 * key is one CMAC.  docs/native-protocol.rst, "The key schedule", "Rotation" and "Start codes". */
#ifndef CC_KDF_H
#define CC_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "aes.h"

typedef struct {
    const uint8_t *bytes;
    size_t size;
} cc_piece;

/* The CMAC of pieces of bytes. */
void cc_cmac(const uint8_t key[CC_BLOCK], const cc_piece *pieces, size_t count,
             uint8_t mac[CC_BLOCK]);

/* The key of one connection, from the whole HELLO frame and the opening of WELCOME. */
void cc_session_key(const uint8_t key[CC_BLOCK], cc_piece hello, cc_piece opening,
                    uint8_t made[CC_BLOCK]);

/* The key that follows the present one; the generation is the next one's. */
void cc_next_key(const uint8_t key[CC_BLOCK], uint32_t generation, const uint8_t nonce[16],
                 cc_piece identity, uint8_t made[CC_BLOCK]);

/* The 29 bits that end a start code. */
uint32_t cc_start_code_tag(const uint8_t key[CC_BLOCK], uint32_t counter, uint8_t port,
                           uint8_t energy);

#endif
