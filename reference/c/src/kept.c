#include "kept.h"

#include <string.h>

#include "crc.h"

/* a count that rises with each time, the checksum of it and the value, and the value */
typedef struct {
    uint16_t count;
    uint16_t crc;
    uint8_t value[CC_KEPT_MOST];
} place;

static uint32_t where(unsigned what, unsigned turn)
{
    return (what * 2 + turn) * (uint32_t)sizeof(place);
}

static uint16_t checksum(const place *kept, size_t size)
{
    uint16_t sums[2] = {kept->count, cc_crc16(kept->value, size)};
    return cc_crc16(sums, sizeof sums);
}

static bool read_place(const cc_board *board, void *context, unsigned what, unsigned turn,
                       size_t size, place *kept)
{
    board->read_kept(context, where(what, turn), kept, offsetof(place, value) + size);
    return kept->crc == checksum(kept, size);
}

/* The turn that holds, and its count; -1 if none is whole. */
static int newest(const cc_board *board, void *context, unsigned what, size_t size, place *kept)
{
    place other;
    const bool has_first = read_place(board, context, what, 0, size, kept);
    const bool has_second = read_place(board, context, what, 1, size, &other);
    /* counts may come round */
    if (has_second && (!has_first || (int16_t)(other.count - kept->count) > 0)) {
        *kept = other;
        return 1;
    }
    return has_first ? 0 : -1;
}

bool cc_recall(const cc_board *board, void *context, unsigned what, void *value, size_t size)
{
    place kept;
    if (newest(board, context, what, size, &kept) < 0) {
        return false;
    }
    memcpy(value, kept.value, size);
    return true;
}

void cc_keep(const cc_board *board, void *context, unsigned what, const void *value, size_t size)
{
    place kept;
    const int turn = newest(board, context, what, size, &kept);
    kept.count = turn < 0 ? 1 : (uint16_t)(kept.count + 1);
    memcpy(kept.value, value, size);
    kept.crc = checksum(&kept, size);
    board->write_kept(context, where(what, turn == 0 ? 1 : 0), &kept,
                      offsetof(place, value) + size);
}
