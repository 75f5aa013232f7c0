#include "liveness.h"

#define WHILE_CHARGING_S 60
#define ANSWER_S 10
#define MOST_UNANSWERED 3
#define PROBE_AFTER 3
#define DAY_S 86400
#define FIRST_WAIT_S 10
#define LONGEST_WAIT_S 600

static uint32_t least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

/* Between half of a time and all of it. */
static uint32_t spread(uint32_t most_s, uint32_t chance)
{
    return most_s / 2 + chance % (most_s - most_s / 2 + 1);
}

void cc_liveness_start(cc_liveness *liveness, uint32_t now_s, uint32_t chance)
{
    *liveness = (cc_liveness){.least_s = WHILE_CHARGING_S, .wait_s = FIRST_WAIT_S};
    /* a power cut has started many at once */
    liveness->connect_s = now_s + chance % FIRST_WAIT_S;
}

void cc_liveness_welcomed(cc_liveness *liveness, uint32_t now_s, uint32_t heartbeat_s,
                          uint32_t most_s)
{
    liveness->least_s = heartbeat_s > 0 ? heartbeat_s : 1;
    liveness->most_s = most_s > liveness->least_s ? most_s : liveness->least_s;
    liveness->promise_s = liveness->least_s;
    liveness->said_s = now_s;
    liveness->answered = liveness->unanswered = 0;
    liveness->is_waiting = false;
    liveness->wait_s = FIRST_WAIT_S;
}

uint32_t cc_liveness_promise(const cc_liveness *liveness, uint32_t now_s, bool is_charging)
{
    uint32_t promise_s = liveness->promise_s;
    if (liveness->held_s != 0 && (int32_t)(liveness->held_until_s - now_s) > 0) {
        promise_s = least(promise_s, liveness->held_s);
    }
    return is_charging ? least(promise_s, WHILE_CHARGING_S) : promise_s;
}

void cc_liveness_said(cc_liveness *liveness, uint32_t now_s, bool is_answered)
{
    liveness->said_s = now_s;
    /* several reports in a row wait for their answers together */
    if (is_answered && (!liveness->is_waiting || now_s - liveness->asked_s >= ANSWER_S)) {
        liveness->asked_s = now_s;
        liveness->is_waiting = true;
        liveness->unanswered++;
    }
}

void cc_liveness_heard(cc_liveness *liveness, bool is_charging)
{
    liveness->is_waiting = false;
    liveness->unanswered = 0;
    if (is_charging) {
        return;
    }
    if (++liveness->answered >= PROBE_AFTER && liveness->promise_s < liveness->most_s) {
        liveness->promise_s = least(liveness->promise_s * 2, liveness->most_s);
        liveness->answered = 0;
    }
}

cc_sign cc_liveness_look(const cc_liveness *liveness, uint32_t now_s, bool is_charging)
{
    if (liveness->is_waiting && now_s - liveness->asked_s >= ANSWER_S) {
        return liveness->unanswered >= MOST_UNANSWERED ? CC_HANG_UP : CC_SAY_HEARTBEAT;
    }
    const uint32_t silent_s = now_s - liveness->said_s;
    return silent_s >= cc_liveness_promise(liveness, now_s, is_charging) ? CC_SAY_HEARTBEAT
                                                                         : CC_QUIET;
}

void cc_liveness_lost(cc_liveness *liveness, uint32_t now_s, uint32_t chance, bool was_welcomed,
                      bool was_dead, uint32_t refused_s)
{
    if (was_dead && liveness->promise_s > liveness->least_s) {
        /* the network forgets connections that are silent for too long */
        liveness->held_s = liveness->promise_s / 2;
        liveness->held_until_s = now_s + DAY_S;
    }
    if (refused_s == UINT32_MAX) {
        liveness->wait_s = LONGEST_WAIT_S;
    } else if (refused_s != 0) {
        liveness->connect_s = now_s + refused_s + chance % (refused_s + 1);
        return;
    }
    liveness->connect_s = now_s + spread(liveness->wait_s, chance);
    liveness->wait_s = was_welcomed ? FIRST_WAIT_S : least(liveness->wait_s * 2, LONGEST_WAIT_S);
}
