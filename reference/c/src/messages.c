/* Made from docs/native-protocol.rst by tests/reference_c/make_messages.py. */
#include "messages.h"

static const cc_field hello_fields[] = {
    {CC_TEXT, 1, 32, NULL, 0}, /* identity */
    {CC_U32, 1, 0, NULL, 0}, /* key_generation */
    {CC_U32, 1, 0, NULL, 0}, /* boot */
    {CC_U32, 1, 0, NULL, 0}, /* connection */
    {CC_U64, 1, 0, NULL, 0}, /* suites */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
    {CC_OCTETS, 0, 4, NULL, 0}, /* login_digest */
    {CC_U32, 0, 0, NULL, 0}, /* max_frame */
};
const cc_table cc_hello = {CC_HELLO_FIELDS, hello_fields};

static const cc_field welcome_fields[] = {
    {CC_U63, 1, 0, NULL, 0}, /* unix_s */
    {CC_U32, 1, 0, NULL, 0}, /* heartbeat_s */
    {CC_UP_TO, 1, 1, NULL, 0}, /* send_login */
    {CC_U32, 0, 0, NULL, 0}, /* heartbeat_most_s */
};
const cc_table cc_welcome = {CC_WELCOME_FIELDS, welcome_fields};

static const cc_field port_fields[] = {
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U64, 0, 0, NULL, 0}, /* state */
    {CC_U32, 0, 0, NULL, 0}, /* power_dw */
    {CC_U63, 0, 0, NULL, 0}, /* meter_mwh */
    {CC_U32, 0, 0, NULL, 0}, /* voltage_dv */
    {CC_U32, 0, 0, NULL, 0}, /* current_ma */
    {CC_SIGNED, 0, 0, NULL, 0}, /* temperature_dc */
    {CC_ORDER, 0, 0, NULL, 0}, /* order_id */
    {CC_UP_TO, 0, 1000, NULL, 0}, /* power_factor_permille */
    {CC_U32, 0, 0, NULL, 0}, /* leakage_ua */
    {CC_U64, 0, 0, NULL, 0}, /* relay */
};
const cc_table cc_port = {CC_PORT_FIELDS, port_fields};

static const cc_field box_fields[] = {
    {CC_SIGNED, 0, 0, NULL, 0}, /* signal_dbm */
    {CC_SIGNED, 0, 0, NULL, 0}, /* temperature_dc */
    {CC_U32, 0, 0, NULL, 0}, /* leakage_ua */
    {CC_UP_TO, 0, 1, NULL, 0}, /* smoke */
    {CC_UP_TO, 0, 1, NULL, 0}, /* water */
    {CC_UP_TO, 0, 1, NULL, 0}, /* door_open */
    {CC_U64, 0, 0, NULL, 0}, /* lock_out */
};
const cc_table cc_box = {CC_BOX_FIELDS, box_fields};

static const cc_field mark_fields[] = {
    {CC_U63, 1, 0, NULL, 0}, /* unix_s */
    {CC_U63, 1, 0, NULL, 0}, /* meter_mwh */
};
const cc_table cc_mark = {CC_MARK_FIELDS, mark_fields};

static const cc_field parameter_fields[] = {
    {CC_U64, 1, 0, NULL, 0}, /* parameter */
    {CC_SIGNED, 1, 0, NULL, 0}, /* value */
};
const cc_table cc_parameter = {CC_PARAMETER_FIELDS, parameter_fields};

static const cc_field price_fields[] = {
    {CC_U63, 1, 0, NULL, 0}, /* until_s */
    {CC_U32, 1, 0, NULL, 0}, /* millifen_per_kwh */
};
const cc_table cc_price = {CC_PRICE_FIELDS, price_fields};

static const cc_field manifest_fields[] = {
    {CC_TEXT, 1, 32, NULL, 0}, /* hardware */
    {CC_U32, 1, 0, NULL, 0}, /* build */
    {CC_TEXT, 1, 32, NULL, 0}, /* version */
    {CC_U32, 1, 0, NULL, 0}, /* size */
    {CC_OCTETS, 1, 32, NULL, 0}, /* digest */
};
const cc_table cc_manifest = {CC_MANIFEST_FIELDS, manifest_fields};

static const cc_field heartbeat_fields[] = {
    {CC_U32, 0, 0, NULL, 0}, /* next_s */
};

static const cc_field login_fields[] = {
    {CC_TEXT, 0, 32, NULL, 0}, /* firmware */
    {CC_TEXT, 0, 32, NULL, 0}, /* hardware */
    {CC_TEXT, 0, 20, NULL, 0}, /* iccid */
    {CC_TEXT, 0, 15, NULL, 0}, /* imei */
    {CC_UP_TO, 0, 255, NULL, 0}, /* port_count */
    {CC_U64, 0, 0, NULL, 0}, /* capabilities */
    {CC_U32, 0, 0, NULL, 0}, /* card_list */
    {CC_U32, 0, 0, NULL, 0}, /* card_slots */
    {CC_U32, 0, 0, NULL, 0}, /* build */
};

static const cc_field report_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
    {CC_LIST, 1, 0, &cc_port, 0}, /* ports */
    {CC_RECORD, 0, 0, &cc_box, 0}, /* box */
    {CC_U32, 0, 0, NULL, 0}, /* next_s */
};

static const cc_field started_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* record */
    {CC_ORDER, 0, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U63, 0, 0, NULL, 0}, /* start_meter_mwh */
    {CC_U32, 1, 0, NULL, 0}, /* boot */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
    {CC_U32, 0, 0, NULL, 0}, /* offline */
    {CC_TEXT, 0, 32, NULL, 0}, /* card */
    {CC_TEXT, 0, 20, NULL, 0}, /* code */
};

static const cc_field ended_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* record */
    {CC_ORDER, 0, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U63, 0, 0, NULL, 0}, /* start_meter_mwh */
    {CC_U63, 0, 0, NULL, 0}, /* end_meter_mwh */
    {CC_U32, 0, 0, NULL, 0}, /* duration_s */
    {CC_U64, 1, 0, NULL, 0}, /* reason */
    {CC_U32, 1, 0, NULL, 0}, /* boot */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
    {CC_U32, 0, 0, NULL, 0}, /* offline */
    {CC_TEXT, 0, 32, NULL, 0}, /* card */
    {CC_LIST, 0, 0, &cc_mark, 0}, /* marks */
    {CC_TEXT, 0, 20, NULL, 0}, /* code */
};

static const cc_field answer_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U64, 1, 0, NULL, 0}, /* code */
};

static const cc_field card_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_TEXT, 1, 32, NULL, 0}, /* uid */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
};

static const cc_field delta_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* seconds */
    {CC_U64, 1, 0, NULL, 0}, /* ports */
    {CC_ROW, 0, 0, NULL, CC_U63}, /* meter_mwh */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* power_dw */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* voltage_dv */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* current_ma */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* temperature_dc */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* power_factor_permille */
    {CC_ROW, 0, 0, NULL, CC_SIGNED_64}, /* leakage_ua */
};

static const cc_field paused_fields[] = {
    {CC_ORDER, 1, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U64, 1, 0, NULL, 0}, /* why */
    {CC_U32, 1, 0, NULL, 0}, /* boot */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
};

static const cc_field alarm_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* record */
    {CC_U64, 1, 0, NULL, 0}, /* hazard */
    {CC_U64, 1, 0, NULL, 0}, /* action */
    {CC_U32, 1, 0, NULL, 0}, /* boot */
    {CC_U32, 1, 0, NULL, 0}, /* uptime_s */
    {CC_FROM_ONE, 0, 255, NULL, 0}, /* port */
    {CC_UP_TO, 1, 1, NULL, 0}, /* is_over */
    {CC_SIGNED, 0, 0, NULL, 0}, /* value */
    {CC_SIGNED, 0, 0, NULL, 0}, /* limit */
};

static const cc_field parameters_fields[] = {
    {CC_LIST, 1, 0, &cc_parameter, 0}, /* parameters */
};

static const cc_field firmware_wanted_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* image */
    {CC_U32, 1, 0, NULL, 0}, /* offset */
    {CC_FROM_ONE, 1, 1024, NULL, 0}, /* size */
};

static const cc_field firmware_state_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* image */
    {CC_U64, 1, 0, NULL, 0}, /* stage */
    {CC_U32, 0, 0, NULL, 0}, /* offset */
};

static const cc_field kept_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* record */
    {CC_U64, 1, 0, NULL, 0}, /* outcome */
    {CC_ORDER, 0, 0, NULL, 0}, /* order_id */
};

static const cc_field start_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_ORDER, 1, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U63, 1, 0, NULL, 0}, /* valid_until_s */
    {CC_U63, 0, 0, NULL, 0}, /* limit_energy_mwh */
    {CC_U32, 0, 0, NULL, 0}, /* limit_duration_s */
    {CC_UP_TO, 1, 1, NULL, 0}, /* until_full */
    {CC_U32, 0, 0, NULL, 0}, /* full_w */
    {CC_U32, 0, 0, NULL, 0}, /* plateau_percent */
    {CC_U32, 0, 0, NULL, 0}, /* hysteresis_percent */
    {CC_U32, 0, 0, NULL, 0}, /* full_for_s */
    {CC_U32, 0, 0, NULL, 0}, /* float_hold_s */
    {CC_U32, 0, 0, NULL, 0}, /* no_load_dw */
    {CC_U32, 0, 0, NULL, 0}, /* no_load_for_s */
    {CC_U32, 0, 0, NULL, 0}, /* replug_grace_s */
    {CC_U32, 0, 0, NULL, 0}, /* never_drawing_s */
    {CC_U63, 0, 0, NULL, 0}, /* limit_amount_fen */
    {CC_LIST, 0, 0, &cc_price, 0}, /* prices */
};

static const cc_field stop_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_ORDER, 1, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
};

static const cc_field time_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U63, 1, 0, NULL, 0}, /* unix_s */
};

static const cc_field card_answer_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U64, 1, 0, NULL, 0}, /* code */
    {CC_ORDER, 0, 0, NULL, 0}, /* order_id */
    {CC_U63, 0, 0, NULL, 0}, /* balance_fen */
};

static const cc_field change_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_ORDER, 1, 0, NULL, 0}, /* order_id */
    {CC_FROM_ONE, 1, 255, NULL, 0}, /* port */
    {CC_U63, 0, 0, NULL, 0}, /* limit_energy_mwh */
    {CC_U32, 0, 0, NULL, 0}, /* limit_duration_s */
    {CC_U63, 0, 0, NULL, 0}, /* limit_amount_fen */
    {CC_UP_TO, 0, 1, NULL, 0}, /* until_full */
};

static const cc_field set_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_LIST, 1, 0, &cc_parameter, 0}, /* parameters */
};

static const cc_field query_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U64, 1, 0, NULL, 0}, /* question */
};

static const cc_field reboot_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_UP_TO, 1, 1, NULL, 0}, /* when_idle */
};

static const cc_field locate_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* for_s */
};

static const cc_field lock_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U64, 1, 0, NULL, 0}, /* lock_out */
    {CC_FROM_ONE, 0, 255, NULL, 0}, /* port */
    {CC_UP_TO, 1, 1, NULL, 0}, /* lifts_fire */
};

static const cc_field prices_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_LIST, 1, 0, &cc_price, 0}, /* prices */
};

static const cc_field show_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_TEXT, 1, 120, NULL, 0}, /* text */
    {CC_U32, 0, 0, NULL, 0}, /* for_s */
};

static const cc_field say_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U64, 0, 0, NULL, 0}, /* phrase */
    {CC_TEXT, 0, 120, NULL, 0}, /* text */
    {CC_FROM_ONE, 0, 255, NULL, 0}, /* port */
};

static const cc_field cards_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* from_version */
    {CC_U32, 1, 0, NULL, 0}, /* to_version */
    {CC_ROW, 0, 32, NULL, CC_TEXT}, /* add */
    {CC_ROW, 0, 32, NULL, CC_TEXT}, /* remove */
};

static const cc_field come_back_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* after_s */
};

static const cc_field go_to_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_TEXT, 1, 64, NULL, 0}, /* host */
    {CC_FROM_ONE, 1, 65535, NULL, 0}, /* port */
    {CC_UP_TO, 1, 1, NULL, 0}, /* is_tls */
    {CC_FROM_ONE, 1, 100, NULL, 0}, /* tries */
};

static const cc_field firmware_offer_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* image */
    {CC_BLOB, 1, 128, NULL, 0}, /* manifest */
    {CC_OCTETS, 1, 64, NULL, 0}, /* signature */
};

static const cc_field firmware_block_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* image */
    {CC_U32, 1, 0, NULL, 0}, /* offset */
    {CC_U64, 1, 0, NULL, 0}, /* code */
    {CC_BLOB, 0, 1024, NULL, 0}, /* data */
};

static const cc_field new_key_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* generation */
    {CC_OCTETS, 1, 16, NULL, 0}, /* nonce */
};

static const cc_field firmware_withdrawal_fields[] = {
    {CC_U32, 1, 0, NULL, 0}, /* number */
    {CC_U32, 1, 0, NULL, 0}, /* image */
};

static const struct {
    uint8_t type;
    cc_table table;
} messages[] = {
    {CC_HEARTBEAT, {CC_HEARTBEAT_FIELDS, heartbeat_fields}},
    {CC_LOGIN, {CC_LOGIN_FIELDS, login_fields}},
    {CC_REPORT, {CC_REPORT_FIELDS, report_fields}},
    {CC_STARTED, {CC_STARTED_FIELDS, started_fields}},
    {CC_ENDED, {CC_ENDED_FIELDS, ended_fields}},
    {CC_ANSWER, {CC_ANSWER_FIELDS, answer_fields}},
    {CC_TIME_WANTED, {0, NULL}},
    {CC_CARD, {CC_CARD_FIELDS, card_fields}},
    {CC_DELTA, {CC_DELTA_FIELDS, delta_fields}},
    {CC_PAUSED, {CC_PAUSED_FIELDS, paused_fields}},
    {CC_ALARM, {CC_ALARM_FIELDS, alarm_fields}},
    {CC_PARAMETERS, {CC_PARAMETERS_FIELDS, parameters_fields}},
    {CC_FIRMWARE_WANTED, {CC_FIRMWARE_WANTED_FIELDS, firmware_wanted_fields}},
    {CC_FIRMWARE_STATE, {CC_FIRMWARE_STATE_FIELDS, firmware_state_fields}},
    {CC_HEARTBEAT_ANSWER, {0, NULL}},
    {CC_KEPT, {CC_KEPT_FIELDS, kept_fields}},
    {CC_START, {CC_START_FIELDS, start_fields}},
    {CC_STOP, {CC_STOP_FIELDS, stop_fields}},
    {CC_TIME, {CC_TIME_FIELDS, time_fields}},
    {CC_CARD_ANSWER, {CC_CARD_ANSWER_FIELDS, card_answer_fields}},
    {CC_CHANGE, {CC_CHANGE_FIELDS, change_fields}},
    {CC_SET, {CC_SET_FIELDS, set_fields}},
    {CC_QUERY, {CC_QUERY_FIELDS, query_fields}},
    {CC_REBOOT, {CC_REBOOT_FIELDS, reboot_fields}},
    {CC_LOCATE, {CC_LOCATE_FIELDS, locate_fields}},
    {CC_LOCK, {CC_LOCK_FIELDS, lock_fields}},
    {CC_PRICES, {CC_PRICES_FIELDS, prices_fields}},
    {CC_SHOW, {CC_SHOW_FIELDS, show_fields}},
    {CC_SAY, {CC_SAY_FIELDS, say_fields}},
    {CC_CARDS, {CC_CARDS_FIELDS, cards_fields}},
    {CC_COME_BACK, {CC_COME_BACK_FIELDS, come_back_fields}},
    {CC_GO_TO, {CC_GO_TO_FIELDS, go_to_fields}},
    {CC_FIRMWARE_OFFER, {CC_FIRMWARE_OFFER_FIELDS, firmware_offer_fields}},
    {CC_FIRMWARE_BLOCK, {CC_FIRMWARE_BLOCK_FIELDS, firmware_block_fields}},
    {CC_NEW_KEY, {CC_NEW_KEY_FIELDS, new_key_fields}},
    {CC_FIRMWARE_WITHDRAWAL, {CC_FIRMWARE_WITHDRAWAL_FIELDS, firmware_withdrawal_fields}},
};

const cc_table *cc_message(uint8_t type)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (messages[i].type == type) {
            return &messages[i].table;
        }
    }
    return NULL;
}
