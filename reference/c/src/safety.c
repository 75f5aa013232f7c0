/* Safety is local: what is dangerous is cut first, then recorded, then told.  No cloud is needed for it,
 * and none can talk the charger out of it. */
#include "parts.h"

#define MUTE_S 10

static const struct {
    uint8_t known;
    uint8_t hazard;
    uint8_t setting;
} watched[] = {
    {CC_KNOWS_TEMPERATURE, CC_HAZARD_TEMPERATURE, CC_CUT_TEMPERATURE_DC},
    {CC_KNOWS_CURRENT, CC_HAZARD_CURRENT, CC_CUT_CURRENT_MA},
    {CC_KNOWS_LEAKAGE, CC_HAZARD_LEAKAGE, CC_CUT_LEAKAGE_UA},
};

static int64_t measured(const cc_port_sense *sense, uint8_t which)
{
    switch (which) {
    case CC_KNOWS_TEMPERATURE:
        return sense->temperature_dc;
    case CC_KNOWS_CURRENT:
        return sense->current_ma;
    default:
        return sense->leakage_ua;
    }
}

static void cut(cc_charger *charger, uint8_t port, uint8_t hazard, int64_t value, int32_t limit)
{
    cc_end(charger, port, CC_END_SAFETY);
    cc_tell_hazard(charger, hazard, CC_ACTION_PORT_CUT, (uint8_t)(port + 1), (int32_t)value,
                   limit);
    cc_report(charger, false);
}

/* A sensor that has answered and does not any more says the worst, after a while. */
static bool is_mute(cc_charger *charger, cc_socket *at)
{
    const uint8_t safety = CC_KNOWS_TEMPERATURE | CC_KNOWS_CURRENT | CC_KNOWS_LEAKAGE;
    at->has |= at->sense.known;
    if ((at->has & safety & ~at->sense.known) == 0) {
        at->is_mute = false;
        return false;
    }
    if (!at->is_mute) {
        at->is_mute = true;
        at->mute_s = cc_now_s(charger);
    }
    return cc_now_s(charger) - at->mute_s >= MUTE_S;
}

static void warn(cc_charger *charger, cc_socket *at)
{
    const bool is_warm = (at->sense.known & CC_KNOWS_TEMPERATURE) != 0
                         && at->sense.temperature_dc >= charger->settings[CC_WARN_TEMPERATURE_DC];
    const uint32_t told_dw = at->told.sense.power_dw;
    const uint32_t step_dw = at->sense.power_dw > told_dw ? at->sense.power_dw - told_dw
                                                          : told_dw - at->sense.power_dw;
    const bool has_stepped = at->told.is_told
                             && step_dw >= (uint32_t)charger->settings[CC_POWER_STEP_DW];
    if ((is_warm && !at->is_warned) || has_stepped) {
        cc_report(charger, false);
    }
    at->is_warned = is_warm;
}

static void watch_port(cc_charger *charger, uint8_t port)
{
    cc_socket *at = &charger->ports[port];
    const bool mute = is_mute(charger, at);
    if (at->state != CC_IS_CHARGING) {
        return;
    }
    for (unsigned i = 0; i < sizeof watched / sizeof watched[0]; i++) {
        const int32_t limit = charger->settings[watched[i].setting];
        const int64_t value = measured(&at->sense, watched[i].known);
        if ((at->sense.known & watched[i].known) != 0 && value >= limit) {
            cut(charger, port, watched[i].hazard, value, limit);
            return;
        }
    }
    if (mute) {
        cut(charger, port, CC_HAZARD_SENSOR, 0, 0);
    } else if (at->charge.charged_s >= (uint32_t)charger->settings[CC_MOST_CHARGE_S]) {
        cut(charger, port, CC_HAZARD_MOST_TIME, at->charge.charged_s,
            charger->settings[CC_MOST_CHARGE_S]);
    } else {
        warn(charger, at);
    }
}

static void end_all(cc_charger *charger, cc_reason reason)
{
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        if (charger->ports[port].charge.is_running) {
            cc_end(charger, port, reason);
        }
    }
}

static void keep_locks(cc_charger *charger)
{
    cc_keep(charger->board, charger->context, CC_KEPT_LOCKS, &charger->locks,
            sizeof charger->locks);
}

static void watch_box(cc_charger *charger)
{
    const cc_box_sense before = charger->box;
    charger->board->sense_box(charger->context, &charger->box);
    const bool has_smoke = charger->box.is_smoke && !before.is_smoke;
    const bool locks_out = charger->box.is_fire
                           || (charger->box.is_smoke
                               && charger->settings[CC_SMOKE_LOCKS_OUT] != 0);
    if (locks_out && charger->locks.box != CC_LOCK_FIRE) {
        /* written down before anything else, so that no restart forgets it */
        charger->locks.box = CC_LOCK_FIRE;
        keep_locks(charger);
        end_all(charger, CC_END_SAFETY);
        cc_tell_hazard(charger, charger->box.is_fire ? CC_HAZARD_FIRE : CC_HAZARD_SMOKE,
                       CC_ACTION_FIRE_LOCK_OUT, 0, 0, 0);
    } else if (has_smoke) {
        end_all(charger, CC_END_SAFETY);
        cc_tell_hazard(charger, CC_HAZARD_SMOKE, CC_ACTION_BOX_CUT, 0, 0, 0);
    }
    if (before.is_smoke != charger->box.is_smoke || before.is_water != charger->box.is_water
        || before.is_door_open != charger->box.is_door_open) {
        cc_report(charger, true);
    }
}

void cc_keep_safe(cc_charger *charger)
{
    watch_box(charger);
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        watch_port(charger, port);
    }
}

uint8_t cc_lock_out(cc_charger *charger, uint8_t port, cc_lock lock, bool lifts_fire)
{
    if (port > cc_ports(charger)) {
        return CC_NO_SUCH_PORT;
    }
    uint8_t *at = port == 0 ? &charger->locks.box : &charger->locks.ports[port - 1];
    if (*at == CC_LOCK_FIRE && lock != CC_LOCK_FIRE && !lifts_fire) {
        return CC_LOCKED_OUT;
    }
    *at = (uint8_t)lock;
    keep_locks(charger);
    for (uint8_t each = 0; each < cc_ports(charger); each++) {
        if (cc_is_locked_out(charger, each) && charger->ports[each].charge.is_running) {
            cc_end(charger, each, lock == CC_LOCK_FIRE ? CC_END_SAFETY : CC_END_OPERATOR);
        }
    }
    return CC_DONE;
}
