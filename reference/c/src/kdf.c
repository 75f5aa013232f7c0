#include "kdf.h"

#include <string.h>

static const uint8_t session_label[] = "ChargeCloud 1 session";
static const uint8_t rotation_label[] = "ChargeCloud 1 rotate";
static const uint8_t start_code_label[] = "ChargeCloud 1 offline";

/* Multiply by x in GF(2^128), as the subkeys of CMAC are made. */
static void twice(uint8_t block[CC_BLOCK])
{
    const uint8_t carry = block[0] >> 7;
    for (unsigned i = 0; i < CC_BLOCK; i++) {
        const uint8_t next = i < CC_BLOCK - 1 ? block[i + 1] : 0;
        block[i] = (uint8_t)((block[i] << 1) | (next >> 7));
    }
    block[CC_BLOCK - 1] ^= (uint8_t)(carry * 0x87);
}

void cc_cmac(const uint8_t key[CC_BLOCK], const cc_piece *pieces, size_t count,
             uint8_t mac[CC_BLOCK])
{
    cc_aes aes;
    uint8_t last[CC_BLOCK] = {0};
    unsigned filled = 0;
    cc_aes_init(&aes, key);
    cc_aes_encrypt(&aes, last);
    twice(last);
    memset(mac, 0, CC_BLOCK);
    for (size_t each = 0; each < count; each++) {
        for (size_t at = 0; at < pieces[each].size; at++) {
            /* a block is encrypted when it is known not to be the last */
            if (filled == CC_BLOCK) {
                cc_aes_encrypt(&aes, mac);
                filled = 0;
            }
            mac[filled++] ^= pieces[each].bytes[at];
        }
    }
    if (filled < CC_BLOCK) {
        mac[filled] ^= 0x80;
        twice(last);
    }
    for (unsigned i = 0; i < CC_BLOCK; i++) {
        mac[i] ^= last[i];
    }
    cc_aes_encrypt(&aes, mac);
}

/* 01 || label || 00 || context || 0080: a label's end mark is the zero that follows it. */
static void derive(const uint8_t key[CC_BLOCK], const uint8_t *label, size_t label_size,
                   cc_piece first, cc_piece second, uint8_t made[CC_BLOCK])
{
    static const uint8_t number = 1;
    static const uint8_t bits[] = {0x00, 0x80};
    const cc_piece pieces[] = {
        {&number, 1}, {label, label_size}, first, second, {bits, sizeof bits},
    };
    cc_cmac(key, pieces, sizeof pieces / sizeof pieces[0], made);
}

void cc_session_key(const uint8_t key[CC_BLOCK], cc_piece hello, cc_piece opening,
                    uint8_t made[CC_BLOCK])
{
    derive(key, session_label, sizeof session_label, hello, opening, made);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

void cc_next_key(const uint8_t key[CC_BLOCK], uint32_t generation, const uint8_t nonce[16],
                 cc_piece identity, uint8_t made[CC_BLOCK])
{
    uint8_t context[4 + 16];
    put_u32(context, generation);
    memcpy(context + 4, nonce, 16);
    derive(key, rotation_label, sizeof rotation_label, (cc_piece){context, sizeof context},
           identity, made);
}

uint32_t cc_start_code_tag(const uint8_t key[CC_BLOCK], uint32_t counter, uint8_t port,
                           uint8_t energy)
{
    uint8_t context[6];
    uint8_t made[CC_BLOCK];
    put_u32(context, counter);
    context[4] = port;
    context[5] = energy;
    derive(key, start_code_label, sizeof start_code_label, (cc_piece){context, sizeof context},
           (cc_piece){NULL, 0}, made);
    return ((uint32_t)made[0] << 24 | (uint32_t)made[1] << 16 | (uint32_t)made[2] << 8 | made[3])
           >> 3;
}
