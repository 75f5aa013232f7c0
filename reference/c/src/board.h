/* What a board has to provide.  Fill in these functions, and the rest of this folder runs on it.
 *
 * All are called from cc_charger_* and return at once; `context` is the board's own. */
#ifndef CC_BOARD_H
#define CC_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured of a port; a quantity that is not has no bit in `known`. */
enum {
    CC_KNOWS_POWER = 1 << 0,
    CC_KNOWS_METER = 1 << 1,
    CC_KNOWS_VOLTAGE = 1 << 2,
    CC_KNOWS_CURRENT = 1 << 3,
    CC_KNOWS_TEMPERATURE = 1 << 4,
    CC_KNOWS_LEAKAGE = 1 << 5,
    CC_KNOWS_PLUG = 1 << 6,
};

typedef struct {
    uint8_t known;
    bool is_plugged;
    uint32_t power_dw;
    uint64_t meter_mwh; /* the port's register, which only ever rises */
    uint32_t voltage_dv;
    uint32_t current_ma;
    int32_t temperature_dc;
    uint32_t leakage_ua;
} cc_port_sense;

typedef struct {
    bool is_smoke;
    bool is_fire;
    bool is_water;
    bool is_door_open;
    bool knows_signal;
    int32_t signal_dbm;
} cc_box_sense;

typedef struct {
    /* seconds since the start */
    uint32_t (*uptime_s)(void *context);
    /* any number; it spreads what many boards would do in the same second */
    uint32_t (*chance)(void *context);

    /* the connection that is open */
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void (*hang_up)(void *context);

    void (*switch_relay)(void *context, uint8_t port, bool is_closed);
    void (*sense_port)(void *context, uint8_t port, cc_port_sense *sense);
    void (*sense_box)(void *context, cc_box_sense *sense);

    /* Memory that survives a power cut and is written byte by byte (FRAM, EEPROM, or what the vendor
     * has that acts like one): boot counter, keys, lock-out, checkpoints. */
    void (*read_kept)(void *context, uint32_t at, void *bytes, size_t size);
    void (*write_kept)(void *context, uint32_t at, const void *bytes, size_t size);

    /* Flash for records: bits are programmed from 1 to 0, and a sector is erased to ones. */
    void (*read_flash)(void *context, uint32_t at, void *bytes, size_t size);
    void (*program_flash)(void *context, uint32_t at, const void *bytes, size_t size);
    void (*erase_sector)(void *context, uint32_t at);

    /* The place of a new firmware, of at least the size that `firmware_room` tells; and what checks
     * it, which is the code that starts firmwares: Ed25519 and SHA-512 are its, and not ours.
     * NULL where firmware is not updated over the air. */
    uint32_t (*firmware_room)(void *context);
    void (*write_firmware)(void *context, uint32_t at, const uint8_t *bytes, size_t size);
    bool (*is_signed)(void *context, const uint8_t *manifest, size_t size,
                      const uint8_t signature[64]);
    bool (*has_digest)(void *context, uint32_t size, const uint8_t digest[32]);

    /* the parts below may be NULL */
    void (*locate)(void *context, uint32_t for_s);
    void (*show)(void *context, const char *words, size_t size, uint32_t for_s);
    void (*say)(void *context, uint8_t phrase, uint8_t port);
    void (*restart)(void *context);
} cc_board;

#endif
