/* Records: written down before they are sent, and sent until the cloud has kept them. */
#include <string.h>

#include "parts.h"

#define RESEND_S 30
#define MOST_LIST 80

static uint32_t next_record(cc_charger *charger)
{
    charger->counters.record++;
    cc_keep(charger->board, charger->context, CC_KEPT_COUNTERS, &charger->counters,
            sizeof charger->counters);
    return charger->counters.record;
}

/* Write a record down, and send what waits.  Every charge was begun with room for its records. */
static void add(cc_charger *charger, uint8_t type, const cc_value *values)
{
    uint8_t message[CC_MOST_RECORD];
    const size_t size = cc_write(cc_message(type), values, message + 1, sizeof message - 1);
    if (size == CC_NO_ROOM) {
        return;
    }
    message[0] = type;
    if (cc_ring_add(&charger->ring, message, 1 + size)) {
        cc_send_records(charger);
    }
}

/* Whose charge it is: an order's, or one that was begun offline. */
static void name_charge(const cc_charge *charge, cc_value *order_id, cc_value *offline,
                        cc_value *code)
{
    if (charge->order_id != 0) {
        *order_id = cc_number(charge->order_id);
    }
    if (charge->offline != 0) {
        *offline = cc_number(charge->offline);
    }
    if (charge->has_code) {
        *code = cc_bytes(charge->code, sizeof charge->code);
    }
}

void cc_tell_started(cc_charger *charger, uint8_t port)
{
    const cc_charge *charge = &charger->ports[port].charge;
    cc_value values[CC_STARTED_FIELDS] = {
        [CC_STARTED_RECORD] = cc_number(next_record(charger)),
        [CC_STARTED_PORT] = cc_number(port + 1u),
        [CC_STARTED_BOOT] = cc_number(charger->boot),
        [CC_STARTED_UPTIME_S] = cc_number(cc_now_s(charger)),
    };
    name_charge(charge, &values[CC_STARTED_ORDER_ID], &values[CC_STARTED_OFFLINE],
                &values[CC_STARTED_CODE]);
    if (charge->knows_start) {
        values[CC_STARTED_START_METER_MWH] = cc_number(charge->start_meter_mwh);
    }
    add(charger, CC_STARTED, values);
}

static size_t write_marks(const cc_charge *charge, uint8_t list[MOST_LIST])
{
    size_t size = 0;
    for (unsigned i = 0; i < charge->marks; i++) {
        const cc_value mark[CC_MARK_FIELDS] = {
            [CC_MARK_UNIX_S] = cc_number(charge->mark_unix_s[i]),
            [CC_MARK_METER_MWH] = cc_number(charge->start_meter_mwh + charge->mark_mwh[i]),
        };
        cc_append(&cc_mark, mark, list, &size, MOST_LIST);
    }
    return size;
}

void cc_tell_ended(cc_charger *charger, uint8_t port, cc_reason reason)
{
    const cc_socket *at = &charger->ports[port];
    uint8_t marks[MOST_LIST];
    cc_value values[CC_ENDED_FIELDS] = {
        [CC_ENDED_RECORD] = cc_number(next_record(charger)),
        [CC_ENDED_PORT] = cc_number(port + 1u),
        [CC_ENDED_DURATION_S] = cc_number(at->charge.charged_s),
        [CC_ENDED_REASON] = cc_number(reason),
        [CC_ENDED_BOOT] = cc_number(charger->boot),
        [CC_ENDED_UPTIME_S] = cc_number(cc_now_s(charger)),
    };
    name_charge(&at->charge, &values[CC_ENDED_ORDER_ID], &values[CC_ENDED_OFFLINE],
                &values[CC_ENDED_CODE]);
    if (at->charge.knows_start) {
        values[CC_ENDED_START_METER_MWH] = cc_number(at->charge.start_meter_mwh);
        values[CC_ENDED_END_METER_MWH] = cc_number(at->sense.meter_mwh);
    }
    if (at->charge.marks > 0) {
        values[CC_ENDED_MARKS] = cc_bytes(marks, write_marks(&at->charge, marks));
    }
    add(charger, CC_ENDED, values);
}

void cc_tell_hazard(cc_charger *charger, uint8_t hazard, uint8_t action, uint8_t port,
                    int32_t value, int32_t limit)
{
    cc_value values[CC_ALARM_FIELDS] = {
        [CC_ALARM_RECORD] = cc_number(next_record(charger)),
        [CC_ALARM_HAZARD] = cc_number(hazard),
        [CC_ALARM_ACTION] = cc_number(action),
        [CC_ALARM_BOOT] = cc_number(charger->boot),
        [CC_ALARM_UPTIME_S] = cc_number(cc_now_s(charger)),
        [CC_ALARM_IS_OVER] = cc_number(0),
    };
    if (port != 0) {
        values[CC_ALARM_PORT] = cc_number(port);
    }
    if (limit != 0) {
        values[CC_ALARM_VALUE] = cc_signed(value);
        values[CC_ALARM_LIMIT] = cc_signed(limit);
    }
    add(charger, CC_ALARM, values);
}

static bool is_on_the_way(const cc_charger *charger, uint16_t slot)
{
    for (unsigned i = 0; i < CC_ON_THE_WAY; i++) {
        if (charger->on_the_way[i].is_there && charger->on_the_way[i].slot == slot) {
            return true;
        }
    }
    return false;
}

/* Every record's table begins with its number. */
static uint32_t number_of(const uint8_t *message, size_t size)
{
    cc_value values[CC_MOST_FIELDS];
    return cc_read(cc_message(message[0]), message + 1, size - 1, values)
               ? (uint32_t)values[0].number
               : 0;
}

static void send(cc_charger *charger, cc_on_the_way *way, uint16_t slot)
{
    uint8_t message[CC_MOST_RECORD];
    const size_t size = cc_ring_find(&charger->ring, &slot, message);
    if (size == 0 || !cc_session_say_written(&charger->session, message, size)) {
        way->is_there = false;
        return;
    }
    *way = (cc_on_the_way){slot, number_of(message, size), cc_now_s(charger), true};
    cc_liveness_said(&charger->liveness, cc_now_s(charger), false);
}

/* The oldest record that waits and is not on the way. */
static bool find_next(const cc_charger *charger, uint16_t *slot)
{
    uint8_t message[CC_MOST_RECORD];
    *slot = cc_ring_oldest(&charger->ring);
    do {
        if (cc_ring_find(&charger->ring, slot, message) == 0) {
            return false;
        }
        if (!is_on_the_way(charger, *slot)) {
            return true;
        }
    } while (cc_ring_step(&charger->ring, slot));
    return false;
}

void cc_send_records(cc_charger *charger)
{
    uint16_t slot;
    if (charger->session.state != CC_OPEN || charger->is_obeying) {
        return;
    }
    for (unsigned i = 0; i < CC_ON_THE_WAY; i++) {
        cc_on_the_way *way = &charger->on_the_way[i];
        if (way->is_there && cc_now_s(charger) - way->sent_s >= RESEND_S) {
            send(charger, way, way->slot);
        } else if (!way->is_there && charger->ring.waiting > 0 && find_next(charger, &slot)) {
            send(charger, way, slot);
        }
    }
}

/* A charge that was begun offline has an order now. */
static void note_order(cc_charger *charger, uint16_t slot, uint64_t order_id)
{
    uint8_t message[CC_MOST_RECORD];
    cc_value values[CC_MOST_FIELDS];
    const size_t size = cc_ring_find(&charger->ring, &slot, message);
    if (size == 0 || message[0] != CC_STARTED
        || !cc_read(cc_message(CC_STARTED), message + 1, size - 1, values)) {
        return;
    }
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        cc_charge *charge = &charger->ports[port].charge;
        if (charge->is_running && charge->offline != 0
            && charge->offline == values[CC_STARTED_OFFLINE].number) {
            charge->order_id = order_id;
            cc_checkpoint(charger, port);
        }
    }
}

void cc_record_kept(cc_charger *charger, uint32_t record, uint64_t outcome, cc_value order_id)
{
    for (unsigned i = 0; i < CC_ON_THE_WAY; i++) {
        cc_on_the_way *way = &charger->on_the_way[i];
        if (!way->is_there || way->record != record) {
            continue;
        }
        if (order_id.is_there) {
            note_order(charger, way->slot, order_id.number);
        }
        /* stored, or not wanted; anything else: it comes again */
        if (outcome <= 1) {
            cc_ring_mark(&charger->ring, way->slot);
            way->is_there = false;
        }
    }
    cc_send_records(charger);
}

void cc_forget_the_way(cc_charger *charger)
{
    memset(charger->on_the_way, 0, sizeof charger->on_the_way);
}
