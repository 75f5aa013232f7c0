#include "charger.h"

#include <string.h>

#include "kdf.h"
#include "parts.h"

#define UNKNOWN_CHARGER 1
#define NO_TIME UINT32_MAX
#define MOST_WRONG_CODES 5
#define WRONG_CODES_S 600
#define CODES_AHEAD 1024
#define CODES_BEHIND 32
#define CODE_ENERGY_MWH 100000

static uint32_t chance(const cc_charger *charger)
{
    return charger->board->chance(charger->context);
}

/* ------------------------------------------------------------------------------- a start */

static bool recall(cc_charger *charger, unsigned what, void *value, size_t size)
{
    return cc_recall(charger->board, charger->context, what, value, size);
}

void cc_charger_start(cc_charger *charger, const cc_board *board, void *context,
                      const cc_config *config)
{
    memset(charger, 0, sizeof *charger);
    charger->board = board;
    charger->context = context;
    charger->config = config;
    /* raised before anything is said: the pair of boot and connection never comes twice */
    recall(charger, CC_KEPT_BOOT, &charger->boot, sizeof charger->boot);
    charger->boot++;
    cc_keep(board, context, CC_KEPT_BOOT, &charger->boot, sizeof charger->boot);
    if (!recall(charger, CC_KEPT_KEYS, &charger->keys, sizeof charger->keys)) {
        charger->keys.generation = 1;
        memcpy(charger->keys.key, config->factory_key, sizeof charger->keys.key);
    }
    if (!recall(charger, CC_KEPT_SETTINGS, charger->settings, sizeof charger->settings)) {
        memcpy(charger->settings, cc_usual_settings, sizeof charger->settings);
    }
    recall(charger, CC_KEPT_LOCKS, &charger->locks, sizeof charger->locks);
    recall(charger, CC_KEPT_COUNTERS, &charger->counters, sizeof charger->counters);
    recall(charger, CC_KEPT_FIRMWARE, &charger->firmware, sizeof charger->firmware);
    recall(charger, CC_KEPT_ADDRESS, &charger->address, sizeof charger->address);
    cc_ring_open(&charger->ring, board, context);
    charger->is_full_told = true;
    cc_liveness_start(&charger->liveness, cc_now_s(charger), chance(charger));
    cc_recall_charges(charger);
}

/* -------------------------------------------------------------------------- a connection */

static size_t write_login(const cc_charger *charger, cc_value values[CC_LOGIN_FIELDS],
                          uint8_t *out, size_t room)
{
    const cc_config *config = charger->config;
    memset(values, 0, CC_LOGIN_FIELDS * sizeof values[0]);
    values[CC_LOGIN_FIRMWARE] = cc_bytes(config->firmware, strlen(config->firmware));
    values[CC_LOGIN_HARDWARE] = cc_bytes(config->hardware, strlen(config->hardware));
    if (config->iccid != NULL) {
        values[CC_LOGIN_ICCID] = cc_bytes(config->iccid, strlen(config->iccid));
    }
    if (config->imei != NULL) {
        values[CC_LOGIN_IMEI] = cc_bytes(config->imei, strlen(config->imei));
    }
    values[CC_LOGIN_PORT_COUNT] = cc_number(config->ports);
    values[CC_LOGIN_CAPABILITIES] = cc_number(config->capabilities);
    values[CC_LOGIN_BUILD] = cc_number(config->build);
    return cc_write(cc_message(CC_LOGIN), values, out, room);
}

/* Four bytes that change with the facts: of their CMAC under no key at all. */
static void digest_login(const cc_charger *charger, uint8_t digest[4])
{
    static const uint8_t no_key[CC_BLOCK];
    uint8_t login[128];
    uint8_t mac[CC_BLOCK];
    cc_value values[CC_LOGIN_FIELDS];
    cc_piece piece = {login, write_login(charger, values, login, sizeof login)};
    cc_cmac(no_key, &piece, 1, mac);
    memcpy(digest, mac, 4);
}

static void send(void *context, const uint8_t *bytes, size_t size)
{
    cc_charger *charger = context;
    charger->board->send(charger->context, bytes, size);
}

static void prove_next_key(cc_charger *charger)
{
    cc_keys *keys = &charger->keys;
    if (!charger->uses_next_key) {
        return;
    }
    memcpy(keys->key, keys->next_key, sizeof keys->key);
    keys->generation++;
    keys->has_next = false;
    keys->codes_highest = keys->codes_below = 0;
    cc_keep(charger->board, charger->context, CC_KEPT_KEYS, keys, sizeof *keys);
    charger->uses_next_key = false;
}

static void welcomed(void *context, const cc_value *values)
{
    cc_charger *charger = context;
    const uint32_t now_s = cc_now_s(charger);
    const cc_value *most_s = &values[CC_WELCOME_HEARTBEAT_MOST_S];
    prove_next_key(charger);
    charger->unix_s = values[CC_WELCOME_UNIX_S].number;
    charger->unix_at_s = now_s;
    cc_liveness_welcomed(&charger->liveness, now_s,
                         (uint32_t)values[CC_WELCOME_HEARTBEAT_S].number,
                         most_s->is_there ? (uint32_t)most_s->number : 0);
    if (values[CC_WELCOME_SEND_LOGIN].number != 0) {
        cc_value login[CC_LOGIN_FIELDS];
        uint8_t unused[128];
        write_login(charger, login, unused, sizeof unused);
        cc_session_say(&charger->session, CC_LOGIN, login);
    }
    cc_send_records(charger);
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        charger->ports[port].told.is_told = false;
    }
    cc_report(charger, true);
}

static const cc_listener listener = {send, welcomed, cc_hear};

const cc_address *cc_charger_address(const cc_charger *charger)
{
    return charger->address.is_there ? &charger->address : NULL;
}

/* Back to the address from the factory, for good, when the other one has failed for too often. */
static void count_failures(cc_charger *charger, bool was_welcomed)
{
    cc_address *address = &charger->address;
    if (!address->is_there) {
        return;
    }
    address->failures = was_welcomed ? 0 : (uint8_t)(address->failures + 1);
    if (address->failures >= address->tries) {
        memset(address, 0, sizeof *address);
        cc_keep(charger->board, charger->context, CC_KEPT_ADDRESS, address, sizeof *address);
    }
}

bool cc_charger_wants_connection(const cc_charger *charger)
{
    return !charger->is_connected
           && (int32_t)(cc_now_s(charger) - charger->liveness.connect_s) >= 0;
}

void cc_charger_connected(cc_charger *charger)
{
    cc_keys *keys = &charger->keys;
    charger->is_connected = true;
    charger->connections++;
    charger->block_s = 0;
    charger->uses_next_key = keys->has_next && !charger->goes_back;
    charger->goes_back = false;
    cc_forget_the_way(charger);
    cc_credentials who = {
        .identity = charger->config->identity,
        .key = charger->uses_next_key ? keys->next_key : keys->key,
        .key_generation = keys->generation + charger->uses_next_key,
        .boot = charger->boot,
        .connection = charger->connections,
    };
    digest_login(charger, who.login_digest);
    cc_liveness_said(&charger->liveness, cc_now_s(charger), false);
    cc_session_begin(&charger->session, &listener, charger, &who, cc_now_s(charger));
}

static void lose(cc_charger *charger, bool was_dead)
{
    const cc_session *session = &charger->session;
    const bool was_welcomed = session->sent > 0;
    uint32_t refused_s = 0;
    if (session->fault == CC_REFUSED) {
        refused_s = session->retry_s != 0 ? session->retry_s : NO_TIME;
    }
    /* the next key was not known there, or not the same: once more with the one before */
    if (charger->uses_next_key
        && (session->fault == CC_FAULT_TAG
            || (session->fault == CC_REFUSED && session->refusal == UNKNOWN_CHARGER))) {
        charger->goes_back = true;
        refused_s = 0;
    }
    if (charger->come_back_s != 0) {
        refused_s = charger->come_back_s;
        charger->come_back_s = 0;
    }
    count_failures(charger, was_welcomed);
    charger->is_connected = false;
    charger->uses_next_key = false;
    charger->session.state = CC_CLOSED;
    cc_liveness_lost(&charger->liveness, cc_now_s(charger), chance(charger), was_welcomed,
                     was_dead, refused_s);
}

static void hang_up(cc_charger *charger, bool is_dead)
{
    if (charger->is_connected) {
        lose(charger, is_dead);
        charger->board->hang_up(charger->context);
    }
}

void cc_charger_receive(cc_charger *charger, const uint8_t *bytes, size_t size)
{
    if (!charger->is_connected) {
        return;
    }
    if (!cc_session_receive(&charger->session, bytes, size)) {
        hang_up(charger, false);
    } else if (charger->is_to_hang_up) {
        charger->is_to_hang_up = false;
        hang_up(charger, false);
    }
}

void cc_charger_disconnected(cc_charger *charger)
{
    if (charger->is_connected) {
        lose(charger, false);
    }
}

void cc_charger_not_reached(cc_charger *charger)
{
    count_failures(charger, false);
    cc_liveness_lost(&charger->liveness, cc_now_s(charger), chance(charger), false, false, 0);
}

/* ------------------------------------------------------------------------------ each second */

static void keep_alive(cc_charger *charger)
{
    const uint32_t now_s = cc_now_s(charger);
    const bool is_charging = cc_any_charges(charger);
    if (charger->session.state == CC_GREETED) {
        if (now_s - charger->liveness.said_s >= 15) {
            hang_up(charger, false);
        }
        return;
    }
    if (charger->session.state != CC_OPEN) {
        return;
    }
    switch (cc_liveness_look(&charger->liveness, now_s, is_charging)) {
    case CC_HANG_UP:
        hang_up(charger, true);
        break;
    case CC_SAY_HEARTBEAT: {
        const cc_value values[CC_HEARTBEAT_FIELDS] = {
            [CC_HEARTBEAT_NEXT_S]
            = cc_number(cc_liveness_promise(&charger->liveness, now_s, is_charging)),
        };
        cc_session_say(&charger->session, CC_HEARTBEAT, values);
        cc_liveness_said(&charger->liveness, now_s, true);
        break;
    }
    case CC_QUIET:
        break;
    }
}

static void report_when_due(cc_charger *charger)
{
    const uint32_t now_s = cc_now_s(charger);
    bool has_changed = false;
    if (charger->session.state != CC_OPEN) {
        return;
    }
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        const cc_socket *at = &charger->ports[port];
        has_changed = has_changed || at->told.state != at->state;
    }
    if (now_s - charger->told_in_full_s >= (uint32_t)charger->settings[CC_FULL_REPORT_S]) {
        cc_report(charger, true);
    } else if (has_changed
               || (cc_any_charges(charger)
                   && now_s - charger->reported_s >= (uint32_t)charger->settings[CC_REPORT_S])) {
        cc_report(charger, false);
    }
}

static void tell_that_there_is_room(cc_charger *charger)
{
    if (!charger->is_full_told && cc_has_room_for_a_charge(charger)) {
        charger->is_full_told = true;
        cc_tell_hazard(charger, CC_HAZARD_RECORDS_FULL, CC_ACTION_NONE, 0, 0, 0);
    }
}

void cc_charger_tick(cc_charger *charger)
{
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        cc_socket *at = &charger->ports[port];
        const uint64_t before_mwh = at->sense.meter_mwh;
        charger->board->sense_port(charger->context, (uint8_t)(port + 1), &at->sense);
        if ((at->sense.known & CC_KNOWS_METER) == 0) {
            at->sense.meter_mwh = before_mwh;
        }
    }
    cc_keep_safe(charger);
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        cc_look_at_charge(charger, port);
    }
    tell_that_there_is_room(charger);
    report_when_due(charger);
    cc_send_records(charger);
    cc_firmware_look(charger);
    keep_alive(charger);
    if (charger->is_to_restart && (!charger->restarts_idle || !cc_any_charges(charger))
        && charger->board->restart != NULL) {
        charger->is_to_restart = false;
        cc_charger_power_fails(charger);
        charger->board->restart(charger->context);
    }
}

void cc_charger_power_fails(cc_charger *charger)
{
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        if (charger->ports[port].charge.is_running) {
            cc_checkpoint(charger, port);
        }
    }
}

/* --------------------------------------------------------------------------- a start code */

typedef struct {
    uint32_t counter;
    uint8_t port;
    uint8_t energy;
} code;

static bool read_code(const cc_keys *keys, const char digits[CC_CODE_DIGITS], code *said)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < CC_CODE_DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(digits[i] - '0');
    }
    if (number >> 53 != 0) {
        return false;
    }
    const uint32_t least = keys->codes_highest > CODES_BEHIND
                               ? keys->codes_highest - CODES_BEHIND
                               : 1;
    const uint32_t low = (uint32_t)(number >> 41);
    said->energy = (uint8_t)(number >> 29 & 0x7f);
    said->port = (uint8_t)(number >> 36 & 0x1f);
    said->counter = least + ((low - least) & 0xfff);
    return cc_start_code_tag(keys->key, said->counter, said->port, said->energy)
           == (number & 0x1fffffff);
}

/* Whether a code is to be taken, which is written down then. */
static bool take_counter(cc_charger *charger, uint32_t counter)
{
    cc_keys *keys = &charger->keys;
    if (counter > keys->codes_highest) {
        const uint32_t ahead = counter - keys->codes_highest;
        if (ahead > CODES_AHEAD) {
            return false;
        }
        const uint32_t with_highest = keys->codes_below << 1 | 1;
        keys->codes_below = ahead > CODES_BEHIND ? 0 : with_highest << (ahead - 1);
        keys->codes_highest = counter;
    } else {
        const uint32_t behind = keys->codes_highest - counter;
        if (behind == 0 || behind > CODES_BEHIND
            || (keys->codes_below >> (behind - 1) & 1) != 0) {
            return false;
        }
        keys->codes_below |= UINT32_C(1) << (behind - 1);
    }
    cc_keep(charger->board, charger->context, CC_KEPT_KEYS, keys, sizeof *keys);
    return true;
}

static uint8_t port_for(const cc_charger *charger, const code *said)
{
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        const bool is_wanted = said->port == 0 ? charger->ports[port].state == CC_IS_PLUGGED
                                               : said->port == port + 1;
        if (is_wanted && !charger->ports[port].charge.is_running) {
            return port;
        }
    }
    return cc_ports(charger);
}

bool cc_charger_take_code(cc_charger *charger, const char digits[CC_CODE_DIGITS])
{
    code said;
    const uint32_t now_s = cc_now_s(charger);
    if (charger->settings[CC_START_CODES] == 0
        || (charger->wrong_codes >= MOST_WRONG_CODES
            && now_s - charger->wrong_codes_s < WRONG_CODES_S)) {
        return false;
    }
    if (charger->wrong_codes >= MOST_WRONG_CODES) {
        charger->wrong_codes = 0;
    }
    if (!read_code(&charger->keys, digits, &said)) {
        charger->wrong_codes++;
        charger->wrong_codes_s = now_s;
        return false;
    }
    const uint8_t port = port_for(charger, &said);
    /* a code is not used up by what could not begin */
    if (port == cc_ports(charger) || cc_is_locked_out(charger, port)
        || !cc_has_room_for_a_charge(charger) || !take_counter(charger, said.counter)) {
        return false;
    }
    charger->wrong_codes = 0;
    charger->counters.offline++;
    cc_charge charge = {
        .offline = charger->counters.offline,
        .has_code = true,
        .is_until_full = said.energy == 0,
        .limits_energy = said.energy != 0,
        .limit_energy_mwh = (uint64_t)said.energy * CODE_ENERGY_MWH,
        .rules = cc_usual_cut_off,
    };
    memcpy(charge.code, digits, sizeof charge.code);
    return cc_begin(charger, port, &charge) == CC_DONE;
}
