/* When to say something, and when to give a connection up or make one.  docs/native-protocol.rst,
 * "Liveness" and "Reconnecting". */
#ifndef CC_LIVENESS_H
#define CC_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t least_s;    /* heartbeat_s of WELCOME */
    uint32_t most_s;     /* heartbeat_most_s */
    uint32_t promise_s;  /* what an idle charger promises now */
    uint32_t held_s;     /* no more than this, until `held_until_s`; zero: no such bound */
    uint32_t held_until_s;
    uint32_t said_s;     /* when something was said last */
    uint32_t asked_s;    /* when what waits for its answer was said */
    uint8_t unanswered;  /* how many in a row */
    uint8_t answered;    /* heartbeats in a row at this promise */
    bool is_waiting;     /* for an answer */
    uint32_t wait_s;     /* w of the document */
    uint32_t connect_s;  /* not before this */
} cc_liveness;

typedef enum { CC_QUIET, CC_SAY_HEARTBEAT, CC_HANG_UP } cc_sign;

void cc_liveness_start(cc_liveness *liveness, uint32_t now_s, uint32_t chance);

/* WELCOME has come. */
void cc_liveness_welcomed(cc_liveness *liveness, uint32_t now_s, uint32_t heartbeat_s,
                          uint32_t most_s);

/* Something was said; whether HEARTBEAT_ANSWER is due for it. */
void cc_liveness_said(cc_liveness *liveness, uint32_t now_s, bool is_answered);

/* HEARTBEAT_ANSWER has come. */
void cc_liveness_heard(cc_liveness *liveness, bool is_charging);

/* What is to be done now; asked each second. */
cc_sign cc_liveness_look(const cc_liveness *liveness, uint32_t now_s, bool is_charging);

/* How soon something will be said again, as it is promised now. */
uint32_t cc_liveness_promise(const cc_liveness *liveness, uint32_t now_s, bool is_charging);

/* The connection has ended: `was_dead` if it was given up, `refused_s` of a REFUSAL (zero: none, or
 * UINT32_MAX for one that tells no time). */
void cc_liveness_lost(cc_liveness *liveness, uint32_t now_s, uint32_t chance, bool was_welcomed,
                      bool was_dead, uint32_t refused_s);

#endif
