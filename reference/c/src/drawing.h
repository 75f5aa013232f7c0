/* Follows what one charge draws: when has it come to its end?  docs/native-protocol.rst, "The end of a
 * charge". */
#ifndef CC_DRAWING_H
#define CC_DRAWING_H

#include <stdbool.h>
#include <stdint.h>

/* reasons of an end, as ENDED has them */
typedef enum {
    CC_END_UNKNOWN,
    CC_END_USER,
    CC_END_LIMIT_ENERGY,
    CC_END_LIMIT_TIME,
    CC_END_LIMIT_AMOUNT,
    CC_END_FULL,
    CC_END_NO_LOAD,
    CC_END_UNPLUGGED,
    CC_END_SAFETY,
    CC_END_CHARGER,
    CC_END_OPERATOR,
    CC_END_POWER_CUT,
    CC_END_REMOTE,
    CC_GOES_ON = 0xff,
} cc_reason;

/* in the order in which START has them */
typedef struct {
    uint32_t full_w;
    uint32_t plateau_percent;
    uint32_t hysteresis_percent;
    uint32_t full_for_s;
    uint32_t float_hold_s;
    uint32_t no_load_dw;
    uint32_t no_load_for_s;
    uint32_t replug_grace_s;
    uint32_t never_drawing_s;
} cc_cut_off;

#define CC_CUT_OFF_FIELDS 9

extern const cc_cut_off cc_usual_cut_off;

typedef enum { CC_PLUG_UNKNOWN, CC_PLUG_IN, CC_PLUG_OUT } cc_plug;

/* Times are seconds of charging. */
typedef struct {
    cc_cut_off rules;
    bool is_until_full;
    bool has_drawn;
    bool is_low;
    bool is_absent;
    bool is_out;
    uint32_t plateau_dw;
    uint32_t before_dw; /* the reading before, zero if it drew nothing */
    uint32_t low_s;     /* since when it is low, and so on */
    uint32_t absent_s;
    uint32_t out_s;
} cc_drawing;

void cc_drawing_begin(cc_drawing *drawing, const cc_cut_off *rules, bool is_until_full);

/* Take a reading; there is one a minute.  Why the charge is to be ended, or CC_GOES_ON. */
cc_reason cc_drawing_take(cc_drawing *drawing, uint32_t at_s, uint32_t power_dw, cc_plug plug);

#endif
