/* Small things that survive a power cut at any moment: each has two places that are written in turn,
 * and the newer one that is whole holds. */
#ifndef CC_KEPT_H
#define CC_KEPT_H

#include "board.h"

#define CC_PORTS 10

/* What is kept, and the room that it has: bytes of its value. */
enum {
    CC_KEPT_BOOT,     /* how often the board has started */
    CC_KEPT_KEYS,     /* the present key, the next one, and the start codes that were taken */
    CC_KEPT_LOCKS,    /* lock-outs */
    CC_KEPT_SETTINGS, /* parameters */
    CC_KEPT_COUNTERS, /* numbers of records and of charges begun offline */
    CC_KEPT_FIRMWARE, /* an image that is being fetched */
    CC_KEPT_ADDRESS,  /* where to connect, if not where the factory says */
    CC_KEPT_PORT,     /* the checkpoint of the first port; the others follow */
    CC_KEPT_COUNT = CC_KEPT_PORT + CC_PORTS,
};
#define CC_KEPT_SIZE 256
/* bytes of kept memory in all */
#define CC_KEPT_ROOM (CC_KEPT_COUNT * 2 * CC_KEPT_SIZE)
/* bytes of a value at the most: beside it stand a count and a checksum */
#define CC_KEPT_MOST (CC_KEPT_SIZE - 4)

/* False if nothing of this size was ever kept whole. */
bool cc_recall(const cc_board *board, void *context, unsigned what, void *value, size_t size);

/* Keep a value in the place of the older one. */
void cc_keep(const cc_board *board, void *context, unsigned what, const void *value, size_t size);

#endif
