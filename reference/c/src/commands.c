/* What the cloud says: a function for each message, and the answer to each command. */
#include <string.h>

#include "kdf.h"
#include "parts.h"

enum { ASK_PORTS = 1, ASK_PARAMETERS, ASK_FIRMWARE };

const int32_t cc_usual_settings[CC_SETTINGS] = {
    [CC_REPORT_S] = 60,          [CC_FULL_REPORT_S] = 3600, [CC_CUT_TEMPERATURE_DC] = 700,
    [CC_WARN_TEMPERATURE_DC] = 600, [CC_CUT_CURRENT_MA] = 10000, [CC_CUT_LEAKAGE_UA] = 30000,
    [CC_MOST_CHARGE_S] = 43200,  [CC_POWER_STEP_DW] = 1000, [CC_SMOKE_LOCKS_OUT] = 1,
    [CC_RESUMES] = 1,            [CC_STAGGER_S] = 5,        [CC_OFFLINE_CARDS] = 0,
    [CC_START_CODES] = 1,
};

static const struct {
    int32_t least;
    int32_t most;
} bounds[CC_SETTINGS] = {
    [CC_REPORT_S] = {10, 3600},
    [CC_FULL_REPORT_S] = {60, 86400},
    [CC_CUT_TEMPERATURE_DC] = {400, 850},
    [CC_WARN_TEMPERATURE_DC] = {300, 850},
    [CC_CUT_CURRENT_MA] = {500, 250000},
    [CC_CUT_LEAKAGE_UA] = {5000, 30000},
    [CC_MOST_CHARGE_S] = {600, 86400},
    [CC_POWER_STEP_DW] = {10, 100000},
    [CC_SMOKE_LOCKS_OUT] = {0, 1},
    [CC_RESUMES] = {0, 1},
    [CC_STAGGER_S] = {0, 600},
    [CC_OFFLINE_CARDS] = {0, 1},
    [CC_START_CODES] = {0, 1},
};

bool cc_is_setting(uint64_t number, int64_t value)
{
    return number >= 1 && number < CC_SETTINGS && value >= bounds[number].least
           && value <= bounds[number].most;
}

static void set_clock(cc_charger *charger, uint64_t unix_s)
{
    charger->unix_s = unix_s;
    charger->unix_at_s = cc_now_s(charger);
}

/* The port of a command, counted from zero; the number of ports if there is no such one. */
static uint8_t port_of(const cc_charger *charger, cc_value value)
{
    const uint64_t port = value.number - 1;
    return port < cc_ports(charger) ? (uint8_t)port : cc_ports(charger);
}

static void read_rules(const cc_value *values, cc_cut_off *rules)
{
    *rules = cc_usual_cut_off;
    uint32_t *all[CC_CUT_OFF_FIELDS] = {
        &rules->full_w,        &rules->plateau_percent, &rules->hysteresis_percent,
        &rules->full_for_s,    &rules->float_hold_s,    &rules->no_load_dw,
        &rules->no_load_for_s, &rules->replug_grace_s,  &rules->never_drawing_s,
    };
    for (unsigned i = 0; i < CC_CUT_OFF_FIELDS; i++) {
        if (values[CC_START_FULL_W + i].is_there) {
            *all[i] = (uint32_t)values[CC_START_FULL_W + i].number;
        }
    }
}

static void read_prices(const cc_value *list, cc_charge *charge)
{
    size_t offset = 0;
    const uint8_t *item;
    size_t size;
    cc_value price[CC_PRICE_FIELDS];
    while (charge->prices < CC_PRICES && cc_next(list, &offset, &item, &size)
           && cc_read(&cc_price, item, size, price)) {
        charge->price_until_s[charge->prices] = price[CC_PRICE_UNTIL_S].number;
        charge->price_millifen[charge->prices++]
            = (uint32_t)price[CC_PRICE_MILLIFEN_PER_KWH].number;
    }
}

static uint8_t start(cc_charger *charger, const cc_value *values)
{
    const uint8_t port = port_of(charger, values[CC_START_PORT]);
    const uint64_t order_id = values[CC_START_ORDER_ID].number;
    if (port == cc_ports(charger)) {
        return CC_NO_SUCH_PORT;
    }
    const cc_socket *at = &charger->ports[port];
    if (at->charge.is_running) {
        return at->charge.order_id == order_id ? CC_DONE : CC_BUSY;
    }
    if (at->ended_order_id == order_id) {
        return CC_NOT_WANTED;
    }
    if (cc_unix_s(charger) > values[CC_START_VALID_UNTIL_S].number) {
        return CC_EXPIRED;
    }
    cc_charge charge = {
        .order_id = order_id,
        .limits_energy = values[CC_START_LIMIT_ENERGY_MWH].is_there,
        .limit_energy_mwh = values[CC_START_LIMIT_ENERGY_MWH].number,
        .limits_duration = values[CC_START_LIMIT_DURATION_S].is_there,
        .limit_duration_s = (uint32_t)values[CC_START_LIMIT_DURATION_S].number,
        .limits_amount = values[CC_START_LIMIT_AMOUNT_FEN].is_there,
        .limit_amount_fen = values[CC_START_LIMIT_AMOUNT_FEN].number,
        .is_until_full = values[CC_START_UNTIL_FULL].number != 0,
    };
    read_rules(values, &charge.rules);
    if (values[CC_START_PRICES].is_there) {
        read_prices(&values[CC_START_PRICES], &charge);
    }
    return cc_begin(charger, port, &charge);
}

static uint8_t stop(cc_charger *charger, const cc_value *values)
{
    const uint8_t port = port_of(charger, values[CC_STOP_PORT]);
    if (port == cc_ports(charger)) {
        return CC_NO_SUCH_PORT;
    }
    const cc_socket *at = &charger->ports[port];
    if (!at->charge.is_running) {
        return CC_DONE;
    }
    if (at->charge.order_id != values[CC_STOP_ORDER_ID].number) {
        return CC_NOT_WANTED;
    }
    cc_end(charger, port, CC_END_REMOTE);
    return CC_DONE;
}

static uint8_t change(cc_charger *charger, const cc_value *values)
{
    const uint8_t port = port_of(charger, values[CC_CHANGE_PORT]);
    if (port == cc_ports(charger)) {
        return CC_NO_SUCH_PORT;
    }
    const cc_charge *charge = &charger->ports[port].charge;
    if (!charge->is_running || charge->order_id != values[CC_CHANGE_ORDER_ID].number) {
        return CC_NOT_WANTED;
    }
    cc_change(charger, port, values);
    return CC_DONE;
}

static uint8_t take_time(cc_charger *charger, const cc_value *values)
{
    set_clock(charger, values[CC_TIME_UNIX_S].number);
    return CC_DONE;
}

/* All of them or none. */
static uint8_t set(cc_charger *charger, const cc_value *values)
{
    int32_t settings[CC_SETTINGS];
    size_t offset = 0;
    const uint8_t *item;
    size_t size;
    cc_value each[CC_PARAMETER_FIELDS];
    memcpy(settings, charger->settings, sizeof settings);
    while (cc_next(&values[CC_SET_PARAMETERS], &offset, &item, &size)
           && cc_read(&cc_parameter, item, size, each)) {
        const uint64_t number = each[CC_PARAMETER_PARAMETER].number;
        const int64_t value = (int64_t)each[CC_PARAMETER_VALUE].number;
        if (!cc_is_setting(number, value)) {
            return CC_NOT_WANTED;
        }
        settings[number] = (int32_t)value;
    }
    memcpy(charger->settings, settings, sizeof settings);
    cc_keep(charger->board, charger->context, CC_KEPT_SETTINGS, settings, sizeof settings);
    return CC_DONE;
}

static uint8_t query(cc_charger *charger, const cc_value *values)
{
    (void)charger;
    const uint64_t question = values[CC_QUERY_QUESTION].number;
    return question >= ASK_PORTS && question <= ASK_FIRMWARE ? CC_DONE : CC_UNKNOWN_COMMAND;
}

/* What a question asks for comes behind the answer. */
static void tell(cc_charger *charger, uint64_t question)
{
    switch (question) {
    case ASK_PORTS:
        cc_report(charger, true);
        break;
    case ASK_PARAMETERS:
        cc_tell_parameters(charger);
        break;
    case ASK_FIRMWARE:
        cc_tell_firmware(charger);
        break;
    default:
        break;
    }
}

static uint8_t reboot(cc_charger *charger, const cc_value *values)
{
    charger->is_to_restart = true;
    charger->restarts_idle = values[CC_REBOOT_WHEN_IDLE].number != 0;
    return CC_DONE;
}

static uint8_t locate(cc_charger *charger, const cc_value *values)
{
    if (charger->board->locate == NULL) {
        return CC_UNKNOWN_COMMAND;
    }
    charger->board->locate(charger->context, (uint32_t)values[CC_LOCATE_FOR_S].number);
    return CC_DONE;
}

static uint8_t lock(cc_charger *charger, const cc_value *values)
{
    const uint64_t wanted = values[CC_LOCK_LOCK_OUT].number;
    return cc_lock_out(charger, (uint8_t)values[CC_LOCK_PORT].number,
                       wanted <= CC_LOCK_FIRE ? (cc_lock)wanted : CC_LOCK_OPERATOR,
                       values[CC_LOCK_LIFTS_FIRE].number != 0);
}

static uint8_t show(cc_charger *charger, const cc_value *values)
{
    if (charger->board->show == NULL) {
        return CC_UNKNOWN_COMMAND;
    }
    charger->board->show(charger->context, (const char *)values[CC_SHOW_TEXT].bytes,
                         values[CC_SHOW_TEXT].size, (uint32_t)values[CC_SHOW_FOR_S].number);
    return CC_DONE;
}

static uint8_t say(cc_charger *charger, const cc_value *values)
{
    if (charger->board->say == NULL) {
        return CC_UNKNOWN_COMMAND;
    }
    charger->board->say(charger->context, (uint8_t)values[CC_SAY_PHRASE].number,
                        (uint8_t)values[CC_SAY_PORT].number);
    return CC_DONE;
}

static uint8_t come_back(cc_charger *charger, const cc_value *values)
{
    const uint32_t after_s = (uint32_t)values[CC_COME_BACK_AFTER_S].number;
    charger->come_back_s = after_s > 0 ? after_s : 1;
    charger->is_to_hang_up = true;
    return CC_DONE;
}

static bool is_of_a_host(uint8_t character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z')
           || (character >= '0' && character <= '9') || character == '.' || character == ':'
           || character == '-';
}

static uint8_t go_to(cc_charger *charger, const cc_value *values)
{
    const cc_value *host = &values[CC_GO_TO_HOST];
    for (size_t i = 0; i < host->size; i++) {
        if (!is_of_a_host(host->bytes[i])) {
            return CC_NOT_WANTED;
        }
    }
    if (host->size == 0) {
        return CC_NOT_WANTED;
    }
    memset(&charger->address, 0, sizeof charger->address);
    memcpy(charger->address.host, host->bytes, host->size);
    charger->address.port = (uint16_t)values[CC_GO_TO_PORT].number;
    charger->address.tries = (uint8_t)values[CC_GO_TO_TRIES].number;
    charger->address.is_tls = values[CC_GO_TO_IS_TLS].number != 0;
    charger->address.is_there = true;
    cc_keep(charger->board, charger->context, CC_KEPT_ADDRESS, &charger->address,
            sizeof charger->address);
    return CC_DONE;
}

static uint8_t new_key(cc_charger *charger, const cc_value *values)
{
    cc_keys *keys = &charger->keys;
    if (values[CC_NEW_KEY_GENERATION].number != (uint64_t)keys->generation + 1) {
        return CC_NOT_WANTED;
    }
    uint8_t made[CC_BLOCK];
    cc_next_key(keys->key, keys->generation + 1, values[CC_NEW_KEY_NONCE].bytes,
                (cc_piece){(const uint8_t *)charger->config->identity,
                           strlen(charger->config->identity)},
                made);
    memcpy(keys->next_key, made, sizeof made);
    keys->has_next = true;
    cc_keep(charger->board, charger->context, CC_KEPT_KEYS, keys, sizeof *keys);
    return CC_DONE;
}

static uint8_t withdraw(cc_charger *charger, const cc_value *values)
{
    cc_firmware_withdrawn(charger, (uint32_t)values[CC_FIRMWARE_WITHDRAWAL_IMAGE].number);
    return CC_DONE;
}

/* Every command's table begins with its number. */
static const struct {
    uint8_t type;
    uint8_t (*act)(cc_charger *charger, const cc_value *values);
} commands[] = {
    {CC_START, start},
    {CC_STOP, stop},
    {CC_TIME, take_time},
    {CC_CHANGE, change},
    {CC_SET, set},
    {CC_QUERY, query},
    {CC_REBOOT, reboot},
    {CC_LOCATE, locate},
    {CC_LOCK, lock},
    {CC_SHOW, show},
    {CC_SAY, say},
    {CC_COME_BACK, come_back},
    {CC_GO_TO, go_to},
    {CC_FIRMWARE_OFFER, cc_firmware_offered},
    {CC_NEW_KEY, new_key},
    {CC_FIRMWARE_WITHDRAWAL, withdraw},
};

static void answer(cc_charger *charger, uint64_t number, uint8_t code)
{
    const cc_value values[CC_ANSWER_FIELDS] = {
        [CC_ANSWER_NUMBER] = cc_number(number),
        [CC_ANSWER_CODE] = cc_number(code),
    };
    cc_session_say(&charger->session, CC_ANSWER, values);
    cc_liveness_said(&charger->liveness, cc_now_s(charger), false);
}

static void obey(cc_charger *charger, uint8_t type, const cc_value *values)
{
    const uint64_t question = type == CC_QUERY ? values[CC_QUERY_QUESTION].number : 0;
    uint8_t code = CC_UNKNOWN_COMMAND;
    /* what follows from it is told behind its answer */
    charger->is_obeying = true;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (commands[i].type == type) {
            code = commands[i].act(charger, values);
        }
    }
    charger->is_obeying = false;
    answer(charger, values[0].number, code);
    tell(charger, question);
    cc_send_records(charger);
}

void cc_hear(void *context, uint8_t type, const cc_value *values)
{
    cc_charger *charger = context;
    switch (type) {
    case CC_HEARTBEAT_ANSWER:
        cc_liveness_heard(&charger->liveness, cc_any_charges(charger));
        break;
    case CC_KEPT:
        cc_record_kept(charger, (uint32_t)values[CC_KEPT_RECORD].number,
                       values[CC_KEPT_OUTCOME].number, values[CC_KEPT_ORDER_ID]);
        break;
    case CC_FIRMWARE_BLOCK:
        cc_firmware_block(charger, values);
        break;
    case CC_CARD_ANSWER:
        /* this board has no reader, so that nobody waits for one */
        break;
    default:
        obey(charger, type, values);
        break;
    }
}
