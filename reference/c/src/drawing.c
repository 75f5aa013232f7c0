#include "drawing.h"

#include <string.h>

const cc_cut_off cc_usual_cut_off = {20, 10, 20, 600, 3600, 15, 300, 120, 180};

void cc_drawing_begin(cc_drawing *drawing, const cc_cut_off *rules, bool is_until_full)
{
    memset(drawing, 0, sizeof *drawing);
    drawing->rules = *rules;
    drawing->is_until_full = is_until_full;
}

static uint32_t least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static void note_absence(cc_drawing *drawing, uint32_t at_s, cc_plug plug)
{
    if (!drawing->is_absent || (plug == CC_PLUG_IN && drawing->is_out)) {
        /* what is plugged in now gets its own time to draw something */
        drawing->absent_s = at_s;
    }
    if (plug == CC_PLUG_OUT && !drawing->is_out) {
        drawing->out_s = at_s;
    }
    drawing->is_out = plug == CC_PLUG_OUT || (drawing->is_out && plug == CC_PLUG_UNKNOWN);
    drawing->is_absent = true;
    drawing->before_dw = 0;
}

static void note_drawing(cc_drawing *drawing, uint32_t at_s, uint32_t power_dw)
{
    const cc_cut_off *rules = &drawing->rules;
    /* power falls at once, and rises when it is held over two readings: a spike is none */
    const bool is_first = drawing->before_dw == 0;
    const uint32_t held_dw = is_first ? power_dw : least(drawing->before_dw, power_dw);
    if (!is_first && held_dw > drawing->plateau_dw) {
        drawing->plateau_dw = held_dw;
    }
    const uint64_t share_dw = (uint64_t)drawing->plateau_dw * rules->plateau_percent / 100;
    const uint64_t full_dw = (uint64_t)rules->full_w * 10;
    const uint64_t threshold_dw = share_dw > full_dw ? share_dw : full_dw;
    const uint64_t again_dw = threshold_dw * (100 + rules->hysteresis_percent);
    if (held_dw < threshold_dw && !drawing->is_low) {
        drawing->is_low = true;
        drawing->low_s = at_s;
    } else if ((uint64_t)held_dw * 100 > again_dw) {
        drawing->is_low = false;
    }
    drawing->has_drawn = true;
    drawing->is_absent = drawing->is_out = false;
    drawing->before_dw = power_dw;
}

cc_reason cc_drawing_take(cc_drawing *drawing, uint32_t at_s, uint32_t power_dw, cc_plug plug)
{
    const cc_cut_off *rules = &drawing->rules;
    if (power_dw >= rules->no_load_dw) {
        note_drawing(drawing, at_s, power_dw);
    } else {
        note_absence(drawing, at_s, plug);
    }
    if (!drawing->has_drawn) {
        return at_s >= rules->never_drawing_s ? CC_END_NO_LOAD : CC_GOES_ON;
    }
    if (drawing->is_absent && drawing->is_out) {
        return at_s - drawing->out_s >= rules->replug_grace_s ? CC_END_UNPLUGGED : CC_GOES_ON;
    }
    if (drawing->is_absent) {
        return at_s - drawing->absent_s >= rules->no_load_for_s ? CC_END_NO_LOAD : CC_GOES_ON;
    }
    if (drawing->is_low && drawing->is_until_full
        && at_s - drawing->low_s >= rules->full_for_s + rules->float_hold_s) {
        return CC_END_FULL;
    }
    return CC_GOES_ON;
}
