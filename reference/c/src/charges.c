/* The life of a charge at a port: begun, looked at each second, ended; and over a power cut. */
#include <string.h>

#include "parts.h"

#define LOOK_S 60
#define CHECKPOINT_S 300
/* STARTED and ENDED, and an alarm beside them */
#define RECORDS_A_CHARGE 3
#define MILLIFEN 1000
#define MWH_A_KWH 1000000

static void switch_port(cc_charger *charger, uint8_t port, bool is_closed)
{
    charger->board->switch_relay(charger->context, (uint8_t)(port + 1), is_closed);
}

static uint64_t drawn_mwh(const cc_socket *port)
{
    return port->charge.knows_start && port->sense.meter_mwh > port->charge.start_meter_mwh
               ? port->sense.meter_mwh - port->charge.start_meter_mwh
               : 0;
}

bool cc_is_locked_out(const cc_charger *charger, uint8_t port)
{
    return charger->locks.box != CC_LOCK_NONE || charger->locks.ports[port] != CC_LOCK_NONE;
}

bool cc_has_room_for_a_charge(const cc_charger *charger)
{
    unsigned running = 0;
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        running += charger->ports[port].charge.is_running;
    }
    return cc_ring_has_room(&charger->ring, (running + 1) * RECORDS_A_CHARGE);
}

static void go(cc_charger *charger, uint8_t port)
{
    cc_socket *at = &charger->ports[port];
    cc_drawing_begin(&at->drawing, &at->charge.rules, at->charge.is_until_full);
    /* its count goes on: a charge that goes on after a power cut has drawn already */
    at->drawing.has_drawn = at->charge.charged_s > 0;
    at->looked_s = at->charge.charged_s;
    at->state = CC_IS_CHARGING;
    switch_port(charger, port, true);
}

uint8_t cc_begin(cc_charger *charger, uint8_t port, const cc_charge *charge)
{
    cc_socket *at = &charger->ports[port];
    if (cc_is_locked_out(charger, port)) {
        return CC_LOCKED_OUT;
    }
    if (at->state == CC_IS_FAULTY) {
        return CC_OUT_OF_ORDER;
    }
    if ((at->sense.known & CC_KNOWS_PLUG) != 0 && !at->sense.is_plugged) {
        return CC_NOT_PLUGGED;
    }
    if (!cc_has_room_for_a_charge(charger)) {
        charger->is_full_told = false;
        return CC_NO_SPACE;
    }
    at->charge = *charge;
    at->charge.is_running = true;
    at->charge.charged_s = 0;
    at->charge.knows_start = (at->sense.known & CC_KNOWS_METER) != 0;
    at->charge.start_meter_mwh = at->charge.priced_mwh = at->sense.meter_mwh;
    cc_checkpoint(charger, port);
    go(charger, port);
    cc_tell_started(charger, port);
    return CC_DONE;
}

void cc_end(cc_charger *charger, uint8_t port, cc_reason reason)
{
    cc_socket *at = &charger->ports[port];
    switch_port(charger, port, false);
    cc_tell_ended(charger, port, reason);
    at->charge.is_running = false;
    at->ended_order_id = at->charge.order_id;
    at->state = reason == CC_END_FULL ? CC_IS_FULL : CC_IS_PLUGGED;
    cc_checkpoint(charger, port);
}

/* Price what was drawn since the last look, and go on to the next price when its time has come. */
static void price(cc_charger *charger, cc_socket *at)
{
    cc_charge *charge = &at->charge;
    if (charge->prices == 0 || !charge->knows_start) {
        return;
    }
    if (at->sense.meter_mwh > charge->priced_mwh) {
        charge->priced += (at->sense.meter_mwh - charge->priced_mwh) * charge->price_millifen[0];
        charge->priced_mwh = at->sense.meter_mwh;
    }
    while (charge->prices > 1 && cc_unix_s(charger) >= charge->price_until_s[0]) {
        if (charge->marks == CC_MARKS) {
            charge->marks--;
            memmove(charge->mark_unix_s, charge->mark_unix_s + 1, sizeof charge->mark_unix_s - 8);
            memmove(charge->mark_mwh, charge->mark_mwh + 1, sizeof charge->mark_mwh - 4);
        }
        charge->mark_unix_s[charge->marks] = charge->price_until_s[0];
        charge->mark_mwh[charge->marks++] = (uint32_t)drawn_mwh(at);
        charge->prices--;
        memmove(charge->price_until_s, charge->price_until_s + 1, charge->prices * 8u);
        memmove(charge->price_millifen, charge->price_millifen + 1, charge->prices * 4u);
    }
}

static cc_reason reached_limit(const cc_charger *charger, const cc_socket *at)
{
    const cc_charge *charge = &at->charge;
    if (charge->limits_energy && drawn_mwh(at) >= charge->limit_energy_mwh) {
        return CC_END_LIMIT_ENERGY;
    }
    if (charge->limits_duration && charge->charged_s >= charge->limit_duration_s) {
        return CC_END_LIMIT_TIME;
    }
    if (charge->limits_amount
        && charge->priced / MWH_A_KWH >= charge->limit_amount_fen * MILLIFEN) {
        return CC_END_LIMIT_AMOUNT;
    }
    (void)charger;
    return CC_GOES_ON;
}

void cc_change(cc_charger *charger, uint8_t port, const cc_value *values)
{
    cc_charge *charge = &charger->ports[port].charge;
    if (values[CC_CHANGE_LIMIT_ENERGY_MWH].is_there) {
        charge->limits_energy = true;
        charge->limit_energy_mwh = values[CC_CHANGE_LIMIT_ENERGY_MWH].number;
    }
    if (values[CC_CHANGE_LIMIT_DURATION_S].is_there) {
        charge->limits_duration = true;
        charge->limit_duration_s = (uint32_t)values[CC_CHANGE_LIMIT_DURATION_S].number;
    }
    if (values[CC_CHANGE_LIMIT_AMOUNT_FEN].is_there) {
        charge->limits_amount = true;
        charge->limit_amount_fen = values[CC_CHANGE_LIMIT_AMOUNT_FEN].number;
    }
    if (values[CC_CHANGE_UNTIL_FULL].is_there) {
        charge->is_until_full = values[CC_CHANGE_UNTIL_FULL].number != 0;
        charger->ports[port].drawing.is_until_full = charge->is_until_full;
    }
    cc_checkpoint(charger, port);
}

static cc_plug plug_of(const cc_port_sense *sense)
{
    if ((sense->known & CC_KNOWS_PLUG) == 0) {
        return CC_PLUG_UNKNOWN;
    }
    return sense->is_plugged ? CC_PLUG_IN : CC_PLUG_OUT;
}

static void look_at_running(cc_charger *charger, uint8_t port)
{
    cc_socket *at = &charger->ports[port];
    at->charge.charged_s++;
    price(charger, at);
    cc_reason reason = reached_limit(charger, at);
    if (reason == CC_GOES_ON && at->charge.charged_s - at->looked_s >= LOOK_S
        && (at->sense.known & CC_KNOWS_POWER) != 0) {
        at->looked_s = at->charge.charged_s;
        reason = cc_drawing_take(&at->drawing, at->charge.charged_s, at->sense.power_dw,
                                 plug_of(&at->sense));
    }
    if (reason != CC_GOES_ON) {
        cc_end(charger, port, reason);
    } else if (at->charge.charged_s - at->checkpoint_s >= CHECKPOINT_S) {
        cc_checkpoint(charger, port);
    }
}

void cc_look_at_charge(cc_charger *charger, uint8_t port)
{
    cc_socket *at = &charger->ports[port];
    switch (at->state) {
    case CC_IS_CHARGING:
        look_at_running(charger, port);
        break;
    case CC_IS_PAUSED:
        if (cc_is_locked_out(charger, port)) {
            cc_end(charger, port, CC_END_SAFETY);
        } else if ((int32_t)(cc_now_s(charger) - at->resume_s) >= 0) {
            go(charger, port);
        }
        break;
    case CC_IS_IDLE:
    case CC_IS_PLUGGED:
    case CC_IS_FULL:
        if (plug_of(&at->sense) == CC_PLUG_OUT) {
            at->state = CC_IS_IDLE;
        } else if (plug_of(&at->sense) == CC_PLUG_IN && at->state == CC_IS_IDLE) {
            at->state = CC_IS_PLUGGED;
        }
        break;
    case CC_IS_FAULTY:
        break;
    }
}

void cc_recall_charges(cc_charger *charger)
{
    const uint32_t stagger_s = (uint32_t)charger->settings[CC_STAGGER_S];
    uint32_t resume_s = cc_now_s(charger)
                        + charger->board->chance(charger->context) % (stagger_s + 1);
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        cc_socket *at = &charger->ports[port];
        switch_port(charger, port, false);
        charger->board->sense_port(charger->context, (uint8_t)(port + 1), &at->sense);
        if (!cc_recall(charger->board, charger->context, CC_KEPT_PORT + port, &at->charge,
                       sizeof at->charge)
            || !at->charge.is_running) {
            at->charge.is_running = false;
            continue;
        }
        if ((at->sense.known & CC_KNOWS_METER) == 0) {
            at->sense.meter_mwh = at->charge.meter_mwh;
        }
        if (charger->settings[CC_RESUMES] != 0) {
            at->state = CC_IS_PAUSED;
            at->resume_s = resume_s;
            resume_s += stagger_s;
        } else {
            cc_end(charger, port, CC_END_POWER_CUT);
        }
    }
}
