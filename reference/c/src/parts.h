/* What the parts of a charger do for each other. */
#ifndef CC_PARTS_H
#define CC_PARTS_H

#include "state.h"

/* answers to a command */
enum {
    CC_DONE,
    CC_BUSY,
    CC_NO_SUCH_PORT,
    CC_OUT_OF_ORDER,
    CC_EXPIRED,
    CC_NOT_PLUGGED,
    CC_UNKNOWN_COMMAND,
    CC_NOT_WANTED,
    CC_NOT_WHILE_CHARGING,
    CC_LOCKED_OUT,
    CC_OTHER_VERSION,
    CC_NO_SPACE,
    CC_BAD_SIGNATURE,
    CC_OTHER_HARDWARE,
    CC_OLDER,
};

enum { CC_HAZARD_TEMPERATURE = 1, CC_HAZARD_CURRENT = 2, CC_HAZARD_LEAKAGE = 4,
       CC_HAZARD_MOST_TIME = 7, CC_HAZARD_SMOKE = 8, CC_HAZARD_FIRE = 11, CC_HAZARD_SENSOR = 14,
       CC_HAZARD_RECORDS_FULL = 16 };
enum { CC_ACTION_NONE, CC_ACTION_PORT_CUT, CC_ACTION_BOX_CUT, CC_ACTION_FIRE_LOCK_OUT };

/* charges.c */
uint8_t cc_begin(cc_charger *charger, uint8_t port, const cc_charge *charge);
void cc_end(cc_charger *charger, uint8_t port, cc_reason reason);
void cc_change(cc_charger *charger, uint8_t port, const cc_value *values);
void cc_look_at_charge(cc_charger *charger, uint8_t port);
void cc_recall_charges(cc_charger *charger);
bool cc_is_locked_out(const cc_charger *charger, uint8_t port);
bool cc_has_room_for_a_charge(const cc_charger *charger);

/* records.c */
void cc_tell_started(cc_charger *charger, uint8_t port);
void cc_tell_ended(cc_charger *charger, uint8_t port, cc_reason reason);
void cc_tell_hazard(cc_charger *charger, uint8_t hazard, uint8_t action, uint8_t port,
                    int32_t value, int32_t limit);
void cc_send_records(cc_charger *charger);
void cc_record_kept(cc_charger *charger, uint32_t record, uint64_t outcome, cc_value order_id);
void cc_forget_the_way(cc_charger *charger);

/* reports.c */
void cc_report(cc_charger *charger, bool in_full);
void cc_tell_parameters(cc_charger *charger);

/* safety.c */
void cc_keep_safe(cc_charger *charger);
uint8_t cc_lock_out(cc_charger *charger, uint8_t port, cc_lock lock, bool lifts_fire);

/* commands.c */
void cc_hear(void *context, uint8_t type, const cc_value *values);
bool cc_is_setting(uint64_t number, int64_t value);
extern const int32_t cc_usual_settings[CC_SETTINGS];

/* firmware.c */
uint8_t cc_firmware_offered(cc_charger *charger, const cc_value *values);
void cc_firmware_withdrawn(cc_charger *charger, uint32_t image);
void cc_firmware_block(cc_charger *charger, const cc_value *values);
void cc_firmware_look(cc_charger *charger);
void cc_tell_firmware(cc_charger *charger);

#endif
