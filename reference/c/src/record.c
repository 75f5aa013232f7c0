#include "record.h"

#include <string.h>

#define MOST_VARINT 10

size_t cc_write_varint(uint64_t number, uint8_t *out, size_t room)
{
    size_t size = 0;
    do {
        if (size == room) {
            return CC_NO_ROOM;
        }
        out[size++] = (uint8_t)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
        number >>= 7;
    } while (number != 0);
    return size;
}

bool cc_read_varint(const uint8_t *data, size_t size, size_t *offset, uint64_t *number)
{
    *number = 0;
    for (unsigned i = 0; i < MOST_VARINT && *offset < size; i++) {
        const uint8_t byte = data[(*offset)++];
        *number |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            /* as few bytes as it needs, and no more than 64 bits */
            return (byte != 0 || i == 0) && (i < MOST_VARINT - 1 || byte == 1);
        }
    }
    return false;
}

uint64_t cc_zigzag(int64_t number)
{
    return number < 0 ? (uint64_t)(-(number + 1)) * 2 + 1 : (uint64_t)number * 2;
}

static int64_t from_zigzag(uint64_t coded)
{
    return (coded & 1) != 0 ? -(int64_t)(coded >> 1) - 1 : (int64_t)(coded >> 1);
}

/* Whether bytes are UTF-8 (RFC 3629, 4) without control characters. */
static bool is_text(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const uint8_t first = bytes[at++];
        unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t point = more == 0 ? first : first & (0x3fu >> more);
        static const uint32_t least[] = {0x20, 0x80, 0x800, 0x10000};
        if (more != 0 && (first < 0xc2 || first > 0xf4)) {
            return false;
        }
        for (unsigned i = 0; i < more; i++) {
            if (at == size || (bytes[at] & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (bytes[at++] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            return false;
        }
    }
    return true;
}

typedef struct {
    const uint8_t *data;
    size_t size;
    size_t offset;
} reader;

static bool take(reader *from, size_t size, cc_value *value)
{
    if (size > from->size - from->offset) {
        return false;
    }
    *value = cc_bytes(from->data + from->offset, size);
    from->offset += size;
    return true;
}

static bool take_sized(reader *from, cc_value *value)
{
    uint64_t size;
    return cc_read_varint(from->data, from->size, &from->offset, &size) && size <= UINT16_MAX
           && take(from, (size_t)size, value);
}

static bool is_within(uint8_t kind, uint16_t most, uint64_t number)
{
    switch (kind) {
    case CC_U32:
    case CC_SIGNED:
        return number <= UINT32_MAX;
    case CC_U63:
        return number <= INT64_MAX;
    case CC_UP_TO:
        return number <= most;
    case CC_FROM_ONE:
        return number >= 1 && number <= most;
    default:
        return true;
    }
}

static bool read_number(reader *from, uint8_t kind, uint16_t most, cc_value *value)
{
    uint64_t number;
    if (!cc_read_varint(from->data, from->size, &from->offset, &number)
        || !is_within(kind, most, number)) {
        return false;
    }
    const bool is_signed = kind == CC_SIGNED || kind == CC_SIGNED_64;
    *value = is_signed ? cc_signed(from_zigzag(number)) : cc_number(number);
    return true;
}

static bool read_order(reader *from, cc_value *value)
{
    cc_value raw;
    if (!take(from, 8, &raw)) {
        return false;
    }
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number = number << 8 | raw.bytes[i];
    }
    *value = cc_number(number);
    return number <= INT64_MAX;
}

static bool read_list(reader *from, const cc_table *table, cc_value *value)
{
    const uint8_t *item;
    size_t offset = 0;
    size_t size;
    if (!take_sized(from, value)) {
        return false;
    }
    while (offset < value->size) {
        if (!cc_next(value, &offset, &item, &size) || !cc_read(table, item, size, NULL)) {
            return false;
        }
    }
    return true;
}

static bool read_text(reader *from, uint16_t most, cc_value *value)
{
    return take_sized(from, value) && value->size <= most && is_text(value->bytes, value->size);
}

static bool read_row(reader *from, const cc_field *field, cc_value *value)
{
    cc_value item;
    if (!take_sized(from, value)) {
        return false;
    }
    reader row = {value->bytes, value->size, 0};
    while (row.offset < row.size) {
        const bool is_good = field->item == CC_TEXT ? read_text(&row, field->most, &item)
                                                    : read_number(&row, field->item, 0, &item);
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool read_field(reader *from, const cc_field *field, cc_value *value)
{
    switch (field->kind) {
    case CC_ORDER:
        return read_order(from, value);
    case CC_TEXT:
        return read_text(from, field->most, value);
    case CC_OCTETS:
        return take(from, field->most, value);
    case CC_BLOB:
        return take_sized(from, value) && value->size <= field->most;
    case CC_RECORD:
        return take_sized(from, value) && cc_read(field->record, value->bytes, value->size, NULL);
    case CC_LIST:
        return read_list(from, field->record, value);
    case CC_ROW:
        return read_row(from, field, value);
    default:
        return read_number(from, field->kind, field->most, value);
    }
}

bool cc_read(const cc_table *table, const uint8_t *data, size_t size, cc_value *values)
{
    reader from = {data, size, 0};
    uint64_t bitmap = 0;
    if (size > 0
        && (!cc_read_varint(data, size, &from.offset, &bitmap) || bitmap == 0)) {
        return false;
    }
    for (unsigned number = 0; number < table->count; number++) {
        cc_value value = {0, NULL, 0, false};
        const bool is_said = (bitmap >> number & 1) != 0;
        if (is_said ? !read_field(&from, &table->fields[number], &value)
                    : table->fields[number].is_required) {
            return false;
        }
        if (values != NULL) {
            values[number] = value;
        }
    }
    /* behind the fields that we know there may be others, if the bitmap names them */
    return bitmap >> table->count != 0 || from.offset == size;
}

bool cc_next(const cc_value *list, size_t *offset, const uint8_t **item, size_t *size)
{
    reader from = {list->bytes, list->size, *offset};
    cc_value value;
    if (*offset >= list->size || !take_sized(&from, &value)) {
        return false;
    }
    *offset = from.offset;
    *item = value.bytes;
    *size = value.size;
    return true;
}

typedef struct {
    uint8_t *out;
    size_t room;
    size_t size;
} writer;

static bool put(writer *to, const uint8_t *bytes, size_t size)
{
    if (size > to->room - to->size) {
        return false;
    }
    memcpy(to->out + to->size, bytes, size);
    to->size += size;
    return true;
}

static bool put_varint(writer *to, uint64_t number)
{
    const size_t size = cc_write_varint(number, to->out + to->size, to->room - to->size);
    to->size += size == CC_NO_ROOM ? 0 : size;
    return size != CC_NO_ROOM;
}

static bool put_order(writer *to, uint64_t number)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
    }
    return put(to, bytes, sizeof bytes);
}

static bool put_field(writer *to, const cc_field *field, const cc_value *value)
{
    switch (field->kind) {
    case CC_ORDER:
        return put_order(to, value->number);
    case CC_OCTETS:
        return put(to, value->bytes, value->size);
    case CC_TEXT:
    case CC_BLOB:
    case CC_RECORD:
    case CC_LIST:
    case CC_ROW:
        return put_varint(to, value->size) && put(to, value->bytes, value->size);
    case CC_SIGNED:
    case CC_SIGNED_64:
        return put_varint(to, cc_zigzag((int64_t)value->number));
    default:
        return put_varint(to, value->number);
    }
}

size_t cc_write(const cc_table *table, const cc_value *values, uint8_t *out, size_t room)
{
    writer to = {out, room, 0};
    uint64_t bitmap = 0;
    for (unsigned number = 0; number < table->count; number++) {
        bitmap |= (uint64_t)values[number].is_there << number;
    }
    if (bitmap == 0) {
        return 0;
    }
    if (!put_varint(&to, bitmap)) {
        return CC_NO_ROOM;
    }
    for (unsigned number = 0; number < table->count; number++) {
        if (values[number].is_there && !put_field(&to, &table->fields[number], &values[number])) {
            return CC_NO_ROOM;
        }
    }
    return to.size;
}

bool cc_append(const cc_table *table, const cc_value *values, uint8_t *list, size_t *size,
               size_t room)
{
    /* an item has fewer than 128 bytes, so that its length takes one */
    if (*size == room) {
        return false;
    }
    const size_t written = cc_write(table, values, list + *size + 1, room - *size - 1);
    if (written == CC_NO_ROOM || written > 0x7f) {
        return false;
    }
    list[*size] = (uint8_t)written;
    *size += 1 + written;
    return true;
}
