/* Records that the cloud has not kept yet, in a ring of flash.
 *
 * A slot holds a message as it is sent (a type and a record), and a checksum that is written last: one
 * that a power cut has torn is not there.  What the cloud has kept is marked, by a byte that needs no
 * erasing, and only sectors of which everything is marked are erased. */
#ifndef CC_RING_H
#define CC_RING_H

#include "board.h"

#define CC_SLOT 128
#define CC_SECTOR 4096
#define CC_SECTORS 8
#define CC_SLOTS_A_SECTOR (CC_SECTOR / CC_SLOT)
/* one sector may have to be erased, and one be held by a single record: what is left is sure */
#define CC_SURE_RECORDS ((CC_SECTORS - 1) * CC_SLOTS_A_SECTOR)
/* bytes of a message */
#define CC_MOST_RECORD (CC_SLOT - 6)

typedef struct {
    const cc_board *board;
    void *context;
    uint16_t next;    /* the slot that is written next */
    uint16_t count;   /* what it is given, to tell which slot is the newest */
    uint16_t waiting; /* records that the cloud has not kept */
} cc_ring;

/* Find what is there, after a start. */
void cc_ring_open(cc_ring *ring, const cc_board *board, void *context);

/* Room for so many records: what one charge needs is two, and an alarm. */
bool cc_ring_has_room(const cc_ring *ring, unsigned records);

/* Write a record down.  False if there is no room. */
bool cc_ring_add(cc_ring *ring, const uint8_t *message, size_t size);

/* The next record that waits, from a slot on (the oldest is found from cc_ring_oldest).  Its size, and
 * its slot in *slot; zero if there is none before the ring's end. */
size_t cc_ring_find(const cc_ring *ring, uint16_t *slot, uint8_t message[CC_MOST_RECORD]);

/* The slot at which the oldest record may be. */
uint16_t cc_ring_oldest(const cc_ring *ring);

/* The slot behind one, and whether it is the ring's end. */
bool cc_ring_step(const cc_ring *ring, uint16_t *slot);

/* The cloud has kept the record of a slot. */
void cc_ring_mark(cc_ring *ring, uint16_t slot);

#endif
