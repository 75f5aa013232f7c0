#include "ccm.h"

#include <string.h>

/* L = 3: the length of the plaintext takes three bytes */
#define COUNTER_FLAGS 0x02
/* associated data, M = 8, L = 3 */
#define MAC_FLAGS 0x5a

static void put_size(uint8_t block[CC_BLOCK], size_t size)
{
    block[13] = (uint8_t)(size >> 16);
    block[14] = (uint8_t)(size >> 8);
    block[15] = (uint8_t)size;
}

static void start_block(uint8_t block[CC_BLOCK], uint8_t flags, const uint8_t nonce[CC_NONCE],
                        size_t size)
{
    block[0] = flags;
    memcpy(block + 1, nonce, CC_NONCE);
    put_size(block, size);
}

/* Add bytes to the MAC, padded with zeros to whole blocks. */
static void add(const cc_aes *aes, uint8_t mac[CC_BLOCK], const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        mac[at % CC_BLOCK] ^= data[at];
        if (at % CC_BLOCK == CC_BLOCK - 1 || at == size - 1) {
            cc_aes_encrypt(aes, mac);
        }
    }
}

static void authenticate(const cc_aes *aes, const uint8_t nonce[CC_NONCE],
                         const uint8_t *associated, size_t associated_size, const uint8_t *data,
                         size_t size, uint8_t mac[CC_BLOCK])
{
    uint8_t head[2 + CC_MOST_ASSOCIATED] = {0, (uint8_t)associated_size};
    memcpy(head + 2, associated, associated_size);
    start_block(mac, MAC_FLAGS, nonce, size);
    cc_aes_encrypt(aes, mac);
    add(aes, mac, head, 2 + associated_size);
    add(aes, mac, data, size);
}

static void key_stream(const cc_aes *aes, const uint8_t nonce[CC_NONCE], size_t number,
                       uint8_t stream[CC_BLOCK])
{
    start_block(stream, COUNTER_FLAGS, nonce, number);
    cc_aes_encrypt(aes, stream);
}

static void encrypt(const cc_aes *aes, const uint8_t nonce[CC_NONCE], uint8_t *data, size_t size)
{
    uint8_t stream[CC_BLOCK];
    for (size_t at = 0; at < size; at++) {
        if (at % CC_BLOCK == 0) {
            key_stream(aes, nonce, at / CC_BLOCK + 1, stream);
        }
        data[at] ^= stream[at % CC_BLOCK];
    }
}

/* The tag of plain data. */
static void make_tag(const cc_aes *aes, const uint8_t nonce[CC_NONCE], const uint8_t *associated,
                     size_t associated_size, const uint8_t *data, size_t size,
                     uint8_t tag[CC_TAG])
{
    uint8_t mac[CC_BLOCK];
    uint8_t stream[CC_BLOCK];
    authenticate(aes, nonce, associated, associated_size, data, size, mac);
    key_stream(aes, nonce, 0, stream);
    for (unsigned i = 0; i < CC_TAG; i++) {
        tag[i] = mac[i] ^ stream[i];
    }
}

void cc_ccm_seal(const cc_aes *aes, const uint8_t nonce[CC_NONCE], const uint8_t *associated,
                 size_t associated_size, uint8_t *data, size_t size)
{
    make_tag(aes, nonce, associated, associated_size, data, size, data + size);
    encrypt(aes, nonce, data, size);
}

bool cc_ccm_open(const cc_aes *aes, const uint8_t nonce[CC_NONCE], const uint8_t *associated,
                 size_t associated_size, uint8_t *data, size_t size)
{
    uint8_t tag[CC_TAG];
    uint8_t difference = 0;
    encrypt(aes, nonce, data, size);
    make_tag(aes, nonce, associated, associated_size, data, size, tag);
    /* all of it is looked at, wherever it differs first */
    for (unsigned i = 0; i < CC_TAG; i++) {
        difference |= (uint8_t)(tag[i] ^ data[size + i]);
    }
    if (difference != 0) {
        memset(data, 0, size);
    }
    return difference == 0;
}
