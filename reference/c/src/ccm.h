/* AES-128-CCM with a tag of 8 bytes and a nonce of 12 (NIST SP 800-38C, RFC 3610): suite 1. */
#ifndef CC_CCM_H
#define CC_CCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aes.h"

#define CC_TAG 8
#define CC_NONCE 12
/* bytes of associated data: the longest is the opening of WELCOME */
#define CC_MOST_ASSOCIATED 20

/* Encrypt data in place; the tag is written behind it. */
void cc_ccm_seal(const cc_aes *aes, const uint8_t nonce[CC_NONCE], const uint8_t *associated,
                 size_t associated_size, uint8_t *data, size_t size);

/* Decrypt data in place, with the tag behind it.  If the tag does not fit, false, and the data are
 * zeros. */
bool cc_ccm_open(const cc_aes *aes, const uint8_t nonce[CC_NONCE], const uint8_t *associated,
                 size_t associated_size, uint8_t *data, size_t size);

#endif
