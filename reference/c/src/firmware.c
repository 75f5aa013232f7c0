/* Fetching a firmware: offered, block by block into a place of its own, and handed to the code that
 * starts firmwares when all of it is there and no port charges. */
#include <string.h>

#include "parts.h"

/* fits into a frame of 256 bytes with what is around it */
#define BLOCK 192
#define ASK_AGAIN_S 30

enum { FETCHING = 1, READY, RUNNING, FELL_BACK, NOT_FOR_US, FAILED };

static void keep(cc_charger *charger)
{
    cc_keep(charger->board, charger->context, CC_KEPT_FIRMWARE, &charger->firmware,
            sizeof charger->firmware);
}

void cc_tell_firmware(cc_charger *charger)
{
    const cc_value values[CC_FIRMWARE_STATE_FIELDS] = {
        [CC_FIRMWARE_STATE_IMAGE] = cc_number(charger->firmware.image),
        [CC_FIRMWARE_STATE_STAGE] = cc_number(charger->firmware.stage),
        [CC_FIRMWARE_STATE_OFFSET] = cc_number(charger->firmware.offset),
    };
    cc_session_say(&charger->session, CC_FIRMWARE_STATE, values);
}

static void come_to(cc_charger *charger, uint8_t stage)
{
    charger->firmware.stage = stage;
    keep(charger);
    cc_tell_firmware(charger);
}

static void ask(cc_charger *charger)
{
    const uint32_t left = charger->firmware.size - charger->firmware.offset;
    const cc_value values[CC_FIRMWARE_WANTED_FIELDS] = {
        [CC_FIRMWARE_WANTED_IMAGE] = cc_number(charger->firmware.image),
        [CC_FIRMWARE_WANTED_OFFSET] = cc_number(charger->firmware.offset),
        [CC_FIRMWARE_WANTED_SIZE] = cc_number(left < BLOCK ? left : BLOCK),
    };
    charger->block_s = cc_now_s(charger);
    cc_session_say(&charger->session, CC_FIRMWARE_WANTED, values);
}

uint8_t cc_firmware_offered(cc_charger *charger, const cc_value *values)
{
    const cc_board *board = charger->board;
    const cc_value *manifest = &values[CC_FIRMWARE_OFFER_MANIFEST];
    cc_value told[CC_MANIFEST_FIELDS];
    cc_firmware *firmware = &charger->firmware;
    if (board->is_signed == NULL) {
        return CC_UNKNOWN_COMMAND;
    }
    if (firmware->stage == FETCHING && firmware->manifest_size == manifest->size
        && memcmp(firmware->manifest, manifest->bytes, manifest->size) == 0) {
        firmware->image = (uint32_t)values[CC_FIRMWARE_OFFER_IMAGE].number;
        return CC_DONE;
    }
    if (!board->is_signed(charger->context, manifest->bytes, manifest->size,
                          values[CC_FIRMWARE_OFFER_SIGNATURE].bytes)
        || !cc_read(&cc_manifest, manifest->bytes, manifest->size, told)) {
        return CC_BAD_SIGNATURE;
    }
    const cc_value *hardware = &told[CC_MANIFEST_HARDWARE];
    if (hardware->size != strlen(charger->config->hardware)
        || memcmp(hardware->bytes, charger->config->hardware, hardware->size) != 0) {
        return CC_OTHER_HARDWARE;
    }
    if (told[CC_MANIFEST_BUILD].number <= charger->config->build) {
        return CC_OLDER;
    }
    if (told[CC_MANIFEST_SIZE].number > board->firmware_room(charger->context)) {
        return CC_NO_SPACE;
    }
    memset(firmware, 0, sizeof *firmware);
    firmware->image = (uint32_t)values[CC_FIRMWARE_OFFER_IMAGE].number;
    firmware->size = (uint32_t)told[CC_MANIFEST_SIZE].number;
    firmware->build = (uint32_t)told[CC_MANIFEST_BUILD].number;
    memcpy(firmware->digest, told[CC_MANIFEST_DIGEST].bytes, sizeof firmware->digest);
    memcpy(firmware->manifest, manifest->bytes, manifest->size);
    firmware->manifest_size = (uint8_t)manifest->size;
    firmware->stage = FETCHING;
    keep(charger);
    return CC_DONE;
}

void cc_firmware_withdrawn(cc_charger *charger, uint32_t image)
{
    if (charger->firmware.image == image) {
        memset(&charger->firmware, 0, sizeof charger->firmware);
        keep(charger);
    }
}

void cc_firmware_block(cc_charger *charger, const cc_value *values)
{
    cc_firmware *firmware = &charger->firmware;
    const cc_value *data = &values[CC_FIRMWARE_BLOCK_DATA];
    if (firmware->stage != FETCHING
        || values[CC_FIRMWARE_BLOCK_IMAGE].number != firmware->image
        || values[CC_FIRMWARE_BLOCK_OFFSET].number != firmware->offset) {
        return;
    }
    if (values[CC_FIRMWARE_BLOCK_CODE].number != CC_DONE || !data->is_there
        || data->size > firmware->size - firmware->offset) {
        come_to(charger, FAILED);
        return;
    }
    charger->board->write_firmware(charger->context, firmware->offset, data->bytes, data->size);
    firmware->offset += data->size;
    if (firmware->offset < firmware->size) {
        /* where it stopped is kept now and then: what is fetched again costs less than the flash */
        if (firmware->offset / 4096 != (firmware->offset - data->size) / 4096) {
            keep(charger);
        }
        ask(charger);
    } else {
        const bool is_whole = charger->board->has_digest(charger->context, firmware->size,
                                                         firmware->digest);
        come_to(charger, is_whole ? READY : FAILED);
    }
}

void cc_firmware_look(cc_charger *charger)
{
    if (charger->session.state != CC_OPEN) {
        return;
    }
    if (charger->firmware.stage == FETCHING
        && (charger->block_s == 0 || cc_now_s(charger) - charger->block_s >= ASK_AGAIN_S)) {
        ask(charger);
    }
    if (charger->firmware.stage == READY && !cc_any_charges(charger)) {
        /* the code that starts firmwares checks it all again, and tries it */
        charger->is_to_restart = true;
    }
}
