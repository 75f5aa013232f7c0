/* What the code that starts firmwares decides, before any of them runs.  docs/native-protocol.rst,
 * "Firmware".
 *
 * It is linked into the boot code, with the vendor's public key and the check of a signature beside
 * it; nothing of it is needed in a session. */
#ifndef CC_FIRMWARE_H
#define CC_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_MOST_STARTS 3
#define CC_MOST_TRIAL_S 600

/* What is known of a firmware in a place. */
typedef struct {
    const uint8_t *manifest;
    size_t manifest_size;
    const uint8_t *signature; /* 64 bytes */
} cc_image;

typedef struct {
    void *context;
    /* Ed25519 of the domain ("ChargeCloud 1 firmware" and a zero) and the manifest */
    bool (*is_signed)(void *context, const uint8_t *manifest, size_t size,
                      const uint8_t signature[64]);
    /* whether the first half of the SHA-512 of so many bytes in the image's place is this */
    bool (*has_digest)(void *context, uint32_t size, const uint8_t digest[32]);
} cc_verify;

typedef enum {
    CC_IMAGE_GOOD,
    CC_IMAGE_UNSIGNED,
    CC_IMAGE_FOREIGN, /* for another hardware */
    CC_IMAGE_OLDER,   /* not newer than what is confirmed */
    CC_IMAGE_BROKEN,  /* not the bytes that were signed */
} cc_image_fault;

/* Whether a firmware may be started on this hardware, above this confirmed build. */
cc_image_fault cc_check_image(const cc_image *image, const cc_verify *verify,
                              const char *hardware, uint32_t confirmed_build);

/* A trial of a new firmware, as the boot code keeps it. */
typedef struct {
    bool is_on_trial;
    uint8_t starts;
} cc_trial;

typedef enum { CC_START_PRESENT, CC_START_NEW } cc_choice;

/* Which firmware to start, now that the board starts; counts a start of the new one. */
cc_choice cc_choose(cc_trial *trial);

/* The new firmware runs: whether its time to come to a WELCOME is over, and the board is to start anew
 * with the one before. */
bool cc_trial_has_failed(const cc_trial *trial, uint32_t uptime_s);

#endif
