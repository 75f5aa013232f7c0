/* AES-128, the encryption direction only (FIPS 197): all that CCM and CMAC need. */
#ifndef CC_AES_H
#define CC_AES_H

#include <stdint.h>

#define CC_BLOCK 16

typedef struct {
    uint8_t round_keys[11 * CC_BLOCK];
} cc_aes;

/* Expand a key of 16 bytes. */
void cc_aes_init(cc_aes *aes, const uint8_t key[CC_BLOCK]);

/* Encrypt a block in place. */
void cc_aes_encrypt(const cc_aes *aes, uint8_t block[CC_BLOCK]);

#endif
