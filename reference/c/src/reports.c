/* REPORT and DELTA: what is measured, as differences to what was told last where that says the same. */
#include <string.h>

#include "parts.h"

#define MOST_LIST 200
#define MOST_ROWS 128

static uint64_t order_of(const cc_socket *at)
{
    return at->charge.is_running ? at->charge.order_id : 0;
}

static void fill_port(const cc_socket *at, uint8_t port, cc_value values[CC_PORT_FIELDS])
{
    const cc_port_sense *sense = &at->sense;
    memset(values, 0, CC_PORT_FIELDS * sizeof values[0]);
    values[CC_PORT_PORT] = cc_number(port + 1u);
    values[CC_PORT_STATE] = cc_number(at->state);
    if (order_of(at) != 0) {
        values[CC_PORT_ORDER_ID] = cc_number(order_of(at));
    }
    if ((sense->known & CC_KNOWS_POWER) != 0) {
        values[CC_PORT_POWER_DW] = cc_number(sense->power_dw);
    }
    if ((sense->known & CC_KNOWS_METER) != 0) {
        values[CC_PORT_METER_MWH] = cc_number(sense->meter_mwh);
    }
    if ((sense->known & CC_KNOWS_VOLTAGE) != 0) {
        values[CC_PORT_VOLTAGE_DV] = cc_number(sense->voltage_dv);
    }
    if ((sense->known & CC_KNOWS_CURRENT) != 0) {
        values[CC_PORT_CURRENT_MA] = cc_number(sense->current_ma);
    }
    if ((sense->known & CC_KNOWS_TEMPERATURE) != 0) {
        values[CC_PORT_TEMPERATURE_DC] = cc_signed(sense->temperature_dc);
    }
    if ((sense->known & CC_KNOWS_LEAKAGE) != 0) {
        values[CC_PORT_LEAKAGE_UA] = cc_number(sense->leakage_ua);
    }
}

static void keep_told(cc_socket *at)
{
    at->told = (cc_told){true, (uint8_t)at->state, at->sense.known, order_of(at), at->sense};
}

/* Whether a port differs from what was told of it by quantities alone. */
static bool is_near(const cc_socket *at)
{
    return at->told.is_told && at->told.state == at->state && at->told.known == at->sense.known
           && at->told.order_id == order_of(at)
           && at->sense.meter_mwh >= at->told.sense.meter_mwh;
}

static size_t write_box(const cc_charger *charger, uint8_t *out, size_t room)
{
    cc_value box[CC_BOX_FIELDS] = {
        [CC_BOX_SMOKE] = cc_number(charger->box.is_smoke),
        [CC_BOX_WATER] = cc_number(charger->box.is_water),
        [CC_BOX_DOOR_OPEN] = cc_number(charger->box.is_door_open),
        [CC_BOX_LOCK_OUT] = cc_number(charger->locks.box),
    };
    if (charger->box.knows_signal) {
        box[CC_BOX_SIGNAL_DBM] = cc_signed(charger->box.signal_dbm);
    }
    return cc_write(&cc_box, box, out, room);
}

static void say_report(cc_charger *charger, const uint8_t *list, size_t size, bool with_box)
{
    uint8_t box[32];
    const uint32_t now_s = cc_now_s(charger);
    cc_value values[CC_REPORT_FIELDS] = {
        [CC_REPORT_UPTIME_S] = cc_number(now_s),
        [CC_REPORT_PORTS] = cc_bytes(list, size),
        [CC_REPORT_NEXT_S] = cc_number(
            cc_liveness_promise(&charger->liveness, now_s, cc_any_charges(charger))),
    };
    if (with_box) {
        values[CC_REPORT_BOX] = cc_bytes(box, write_box(charger, box, sizeof box));
    }
    charger->told_uptime_s = now_s;
    if (cc_session_say(&charger->session, CC_REPORT, values)) {
        cc_liveness_said(&charger->liveness, now_s, true);
    }
}

/* Ports in full, in as many frames as it takes; `only_news` leaves out what has not changed. */
static void report_in_full(cc_charger *charger, bool only_news)
{
    uint8_t list[MOST_LIST];
    size_t size = 0;
    bool with_box = !only_news;
    cc_value values[CC_PORT_FIELDS];
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        cc_socket *at = &charger->ports[port];
        if (only_news && at->state != CC_IS_CHARGING && is_near(at)) {
            continue;
        }
        fill_port(at, port, values);
        keep_told(at);
        if (!cc_append(&cc_port, values, list, &size, sizeof list)) {
            say_report(charger, list, size, with_box);
            with_box = false;
            size = 0;
            cc_append(&cc_port, values, list, &size, sizeof list);
        }
    }
    if (size > 0 || with_box) {
        say_report(charger, list, size, with_box);
    }
}

typedef struct {
    uint8_t bytes[MOST_ROWS];
    size_t size;
    bool fits;
} rows;

typedef int64_t (*quantity)(const cc_port_sense *sense);

static int64_t meter(const cc_port_sense *sense)
{
    return (int64_t)sense->meter_mwh;
}
static int64_t power(const cc_port_sense *sense)
{
    return sense->power_dw;
}
static int64_t voltage(const cc_port_sense *sense)
{
    return sense->voltage_dv;
}
static int64_t current(const cc_port_sense *sense)
{
    return sense->current_ma;
}
static int64_t temperature(const cc_port_sense *sense)
{
    return sense->temperature_dc;
}
static int64_t leakage(const cc_port_sense *sense)
{
    return sense->leakage_ua;
}

static const struct {
    uint8_t field;
    uint8_t known;
    quantity of;
} quantities[] = {
    {CC_DELTA_METER_MWH, CC_KNOWS_METER, meter},
    {CC_DELTA_POWER_DW, CC_KNOWS_POWER, power},
    {CC_DELTA_VOLTAGE_DV, CC_KNOWS_VOLTAGE, voltage},
    {CC_DELTA_CURRENT_MA, CC_KNOWS_CURRENT, current},
    {CC_DELTA_TEMPERATURE_DC, CC_KNOWS_TEMPERATURE, temperature},
    {CC_DELTA_LEAKAGE_UA, CC_KNOWS_LEAKAGE, leakage},
};

static void write_row(const cc_charger *charger, unsigned which, cc_value *value, rows *to)
{
    const size_t begin = to->size;
    bool has_moved = false;
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        const cc_socket *at = &charger->ports[port];
        if (at->state != CC_IS_CHARGING) {
            continue;
        }
        const bool is_known = (at->sense.known & quantities[which].known) != 0;
        const int64_t step = is_known ? quantities[which].of(&at->sense)
                                            - quantities[which].of(&at->told.sense)
                                      : 0;
        /* registers only rise, so that theirs has no sign */
        const uint64_t coded = quantities[which].field == CC_DELTA_METER_MWH ? (uint64_t)step
                                                                             : cc_zigzag(step);
        const size_t size = cc_write_varint(coded, to->bytes + to->size,
                                            sizeof to->bytes - to->size);
        if (size == CC_NO_ROOM) {
            to->fits = false;
            return;
        }
        to->size += size;
        has_moved = has_moved || step != 0;
    }
    if (has_moved) {
        *value = cc_bytes(to->bytes + begin, to->size - begin);
    } else {
        to->size = begin;
    }
}

/* The ports that charge, as differences.  False where those cannot say it. */
static bool report_differences(cc_charger *charger)
{
    rows to = {.size = 0, .fits = true};
    uint64_t ports = 0;
    cc_value values[CC_DELTA_FIELDS] = {
        [CC_DELTA_SECONDS] = cc_number(cc_now_s(charger) - charger->told_uptime_s),
    };
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        const cc_socket *at = &charger->ports[port];
        if (!is_near(at)) {
            return false;
        }
        ports |= (uint64_t)(at->state == CC_IS_CHARGING) << port;
    }
    if (ports == 0) {
        return false;
    }
    values[CC_DELTA_PORTS] = cc_number(ports);
    for (unsigned i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        write_row(charger, i, &values[quantities[i].field], &to);
    }
    if (!to.fits || !cc_session_say(&charger->session, CC_DELTA, values)) {
        return false;
    }
    charger->told_uptime_s = cc_now_s(charger);
    cc_liveness_said(&charger->liveness, charger->told_uptime_s, true);
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        if (charger->ports[port].state == CC_IS_CHARGING) {
            keep_told(&charger->ports[port]);
        }
    }
    return true;
}

void cc_report(cc_charger *charger, bool in_full)
{
    if (charger->session.state != CC_OPEN) {
        return;
    }
    const uint32_t now_s = cc_now_s(charger);
    if (in_full || !report_differences(charger)) {
        report_in_full(charger, !in_full);
    }
    if (in_full) {
        charger->told_in_full_s = now_s;
    }
    charger->reported_s = now_s;
}

void cc_tell_parameters(cc_charger *charger)
{
    uint8_t list[MOST_LIST];
    size_t size = 0;
    for (unsigned number = 1; number < CC_SETTINGS; number++) {
        const cc_value each[CC_PARAMETER_FIELDS] = {
            [CC_PARAMETER_PARAMETER] = cc_number(number),
            [CC_PARAMETER_VALUE] = cc_signed(charger->settings[number]),
        };
        cc_append(&cc_parameter, each, list, &size, sizeof list);
    }
    const cc_value values[CC_PARAMETERS_FIELDS] = {
        [CC_PARAMETERS_PARAMETERS] = cc_bytes(list, size),
    };
    cc_session_say(&charger->session, CC_PARAMETERS, values);
}
