#include "ring.h"

#include <string.h>

#include "crc.h"

#define SLOTS (CC_SECTORS * CC_SLOTS_A_SECTOR)
#define ERASED 0xff
#define MARKED 0x00

/* size, count (2), message, checksum (2); the last byte of a slot is its mark */
#define HEAD 3
#define MARK (CC_SLOT - 1)

typedef enum { EMPTY, TORN, WAITING, KEPT } slot_state;

static uint32_t where(uint16_t slot)
{
    return (uint32_t)slot * CC_SLOT;
}

static uint16_t after(uint16_t slot)
{
    return (uint16_t)((slot + 1) % SLOTS);
}

static bool begins_a_sector(uint16_t slot)
{
    return slot % CC_SLOTS_A_SECTOR == 0;
}

static slot_state look(const cc_ring *ring, uint16_t slot, uint8_t bytes[CC_SLOT])
{
    ring->board->read_flash(ring->context, where(slot), bytes, CC_SLOT);
    const size_t size = bytes[0];
    if (size == ERASED) {
        for (unsigned i = 1; i < CC_SLOT; i++) {
            if (bytes[i] != ERASED) {
                return TORN;
            }
        }
        return EMPTY;
    }
    if (size > CC_MOST_RECORD) {
        return TORN;
    }
    const uint16_t crc = cc_crc16(bytes, HEAD + size);
    if (bytes[HEAD + size] != (uint8_t)(crc >> 8) || bytes[HEAD + size + 1] != (uint8_t)crc) {
        return TORN;
    }
    return bytes[MARK] == ERASED ? WAITING : KEPT;
}

static bool is_held(const cc_ring *ring, uint16_t sector_start)
{
    uint8_t bytes[CC_SLOT];
    for (uint16_t i = 0; i < CC_SLOTS_A_SECTOR; i++) {
        if (look(ring, (uint16_t)(sector_start + i), bytes) == WAITING) {
            return true;
        }
    }
    return false;
}

void cc_ring_open(cc_ring *ring, const cc_board *board, void *context)
{
    uint8_t bytes[CC_SLOT];
    bool is_found = false;
    *ring = (cc_ring){board, context, 0, 0, 0};
    for (uint16_t slot = 0; slot < SLOTS; slot++) {
        const slot_state state = look(ring, slot, bytes);
        if (state == EMPTY || state == TORN) {
            continue;
        }
        const uint16_t count = (uint16_t)(bytes[1] << 8 | bytes[2]);
        /* counts may come round, but not within a ring */
        if (!is_found || (int16_t)(count - ring->count) > 0) {
            ring->count = count;
            ring->next = slot;
            is_found = true;
        }
        ring->waiting = (uint16_t)(ring->waiting + (state == WAITING));
    }
    if (is_found) {
        ring->count++;
        /* behind the newest; what was torn cannot be programmed again */
        do {
            ring->next = after(ring->next);
        } while (!begins_a_sector(ring->next) && look(ring, ring->next, bytes) != EMPTY);
    }
}

/* Slots that may be written before a sector would have to be erased that holds something. */
static unsigned room(const cc_ring *ring)
{
    unsigned free = 0;
    uint16_t slot = ring->next;
    do {
        if (begins_a_sector(slot)) {
            if (is_held(ring, slot)) {
                return free;
            }
            free += CC_SLOTS_A_SECTOR;
            slot = (uint16_t)((slot + CC_SLOTS_A_SECTOR) % SLOTS);
        } else {
            free++;
            slot = after(slot);
        }
    } while (free < SLOTS - CC_SLOTS_A_SECTOR);
    return free;
}

bool cc_ring_has_room(const cc_ring *ring, unsigned records)
{
    return room(ring) >= records;
}

bool cc_ring_add(cc_ring *ring, const uint8_t *message, size_t size)
{
    uint8_t bytes[CC_SLOT];
    uint8_t sum[2];
    if (size > CC_MOST_RECORD || room(ring) == 0) {
        return false;
    }
    if (begins_a_sector(ring->next)) {
        ring->board->erase_sector(ring->context, where(ring->next));
    }
    bytes[0] = (uint8_t)size;
    bytes[1] = (uint8_t)(ring->count >> 8);
    bytes[2] = (uint8_t)ring->count;
    memcpy(bytes + HEAD, message, size);
    const uint16_t crc = cc_crc16(bytes, HEAD + size);
    sum[0] = (uint8_t)(crc >> 8);
    sum[1] = (uint8_t)crc;
    ring->board->program_flash(ring->context, where(ring->next), bytes, HEAD + size);
    ring->board->program_flash(ring->context, where(ring->next) + HEAD + (uint32_t)size, sum,
                               sizeof sum);
    ring->next = after(ring->next);
    ring->count++;
    ring->waiting++;
    return true;
}

uint16_t cc_ring_oldest(const cc_ring *ring)
{
    /* the sector that is written next is the one that was written longest ago */
    return begins_a_sector(ring->next)
               ? ring->next
               : (uint16_t)((ring->next / CC_SLOTS_A_SECTOR + 1) * CC_SLOTS_A_SECTOR % SLOTS);
}

bool cc_ring_step(const cc_ring *ring, uint16_t *slot)
{
    *slot = after(*slot);
    return *slot != cc_ring_oldest(ring);
}

size_t cc_ring_find(const cc_ring *ring, uint16_t *slot, uint8_t message[CC_MOST_RECORD])
{
    uint8_t bytes[CC_SLOT];
    do {
        if (look(ring, *slot, bytes) == WAITING) {
            memcpy(message, bytes + HEAD, bytes[0]);
            return bytes[0];
        }
    } while (cc_ring_step(ring, slot));
    return 0;
}

void cc_ring_mark(cc_ring *ring, uint16_t slot)
{
    static const uint8_t mark = MARKED;
    ring->board->program_flash(ring->context, where(slot) + MARK, &mark, 1);
    ring->waiting--;
}
