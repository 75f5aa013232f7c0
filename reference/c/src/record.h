/* Records of numbered fields: one table writes and reads each.  docs/native-protocol.rst, "Records". */
#ifndef CC_RECORD_H
#define CC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* fields of the longest table, START, with some that a later version may add to ours */
#define CC_MOST_FIELDS 20
#define CC_NO_ROOM SIZE_MAX

typedef enum {
    CC_U32,
    CC_U63,
    CC_U64,
    CC_UP_TO,    /* 0 to most */
    CC_FROM_ONE, /* 1 to most */
    CC_SIGNED,   /* zigzag of 32 bits */
    CC_SIGNED_64,
    CC_ORDER,
    CC_TEXT,   /* at most so many bytes */
    CC_OCTETS, /* exactly so many bytes */
    CC_BLOB,   /* at most so many bytes */
    CC_RECORD,
    CC_LIST, /* of records */
    CC_ROW   /* of values of one kind */
} cc_kind;

struct cc_table;

typedef struct {
    uint8_t kind;
    uint8_t is_required;
    uint16_t most;                 /* of a number, or bytes; of the items, in a row */
    const struct cc_table *record; /* of a record or of a list's items */
    uint8_t item;                  /* kind of a row's items */
} cc_field;

typedef struct cc_table {
    uint8_t count;
    const cc_field *fields;
} cc_table;

/* The value of a field.  One that is not there was not said, which is never zero. */
typedef struct {
    uint64_t number;      /* a signed one in two's complement */
    const uint8_t *bytes; /* of text and bytes, and of a record or row as it stands on the wire */
    uint16_t size;        /* of the bytes */
    bool is_there;
} cc_value;

/* Read a record that takes up all of the data.  Values point into it; NULL only checks.
 * False if the bytes are no such record: the connection is to be closed. */
bool cc_read(const cc_table *table, const uint8_t *data, size_t size, cc_value *values);

/* Write a record.  Its size, or CC_NO_ROOM; values are as the table wants them. */
size_t cc_write(const cc_table *table, const cc_value *values, uint8_t *out, size_t room);

/* Append a record to a list under way, of which so many bytes are written.  False if it has no room. */
bool cc_append(const cc_table *table, const cc_value *values, uint8_t *list, size_t *size,
               size_t room);

/* The next record of a list that was read; begin with an offset of zero.  False at its end. */
bool cc_next(const cc_value *list, size_t *offset, const uint8_t **item, size_t *size);

/* Varints by themselves, for rows. */
size_t cc_write_varint(uint64_t number, uint8_t *out, size_t room);
bool cc_read_varint(const uint8_t *data, size_t size, size_t *offset, uint64_t *number);
uint64_t cc_zigzag(int64_t number);

static inline cc_value cc_number(uint64_t number)
{
    return (cc_value){number, NULL, 0, true};
}

static inline cc_value cc_signed(int64_t number)
{
    return cc_number((uint64_t)number);
}

static inline cc_value cc_bytes(const void *bytes, size_t size)
{
    return (cc_value){0, bytes, (uint16_t)size, true};
}

#endif
