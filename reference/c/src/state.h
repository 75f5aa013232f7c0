/* What a charger knows: all of it is here, and each part works on its own of it. */
#ifndef CC_STATE_H
#define CC_STATE_H

#include "board.h"
#include "drawing.h"
#include "kept.h"
#include "liveness.h"
#include "ring.h"
#include "session.h"

#define CC_PRICES 4
#define CC_MARKS 4
#define CC_ON_THE_WAY 4
#define CC_CODE_DIGITS 16
#define CC_HOST 64

/* parameters, as SET numbers them */
enum {
    CC_REPORT_S = 1,
    CC_FULL_REPORT_S,
    CC_CUT_TEMPERATURE_DC,
    CC_WARN_TEMPERATURE_DC,
    CC_CUT_CURRENT_MA,
    CC_CUT_LEAKAGE_UA,
    CC_MOST_CHARGE_S,
    CC_POWER_STEP_DW,
    CC_SMOKE_LOCKS_OUT,
    CC_RESUMES,
    CC_STAGGER_S,
    CC_OFFLINE_CARDS,
    CC_START_CODES,
    CC_SETTINGS,
};

typedef enum { CC_IS_IDLE, CC_IS_PLUGGED, CC_IS_CHARGING, CC_IS_FULL, CC_IS_FAULTY, CC_IS_PAUSED } cc_port_state;

typedef enum { CC_LOCK_NONE, CC_LOCK_OPERATOR, CC_LOCK_FIRE } cc_lock;

/* A charge, as it is kept over a power cut. */
typedef struct {
    uint64_t order_id;        /* zero: begun offline, and not told yet */
    uint64_t start_meter_mwh;
    uint64_t meter_mwh; /* at the last checkpoint */
    uint64_t limit_energy_mwh;
    uint64_t limit_amount_fen;
    uint32_t limit_duration_s;
    uint32_t charged_s;
    uint32_t offline; /* its number, zero if it is not */
    uint64_t price_until_s[CC_PRICES];
    uint32_t price_millifen[CC_PRICES];
    uint64_t mark_unix_s[CC_MARKS];
    uint32_t mark_mwh[CC_MARKS]; /* above the start */
    uint64_t priced;             /* mWh times millifen a kWh, up to `priced_mwh` */
    uint64_t priced_mwh;
    cc_cut_off rules;
    char code[CC_CODE_DIGITS];
    uint8_t prices;
    uint8_t marks;
    bool has_code;
    bool is_running;
    bool knows_start;
    bool limits_energy, limits_duration, limits_amount;
    bool is_until_full;
} cc_charge;

/* What was told of a port last in this connection. */
typedef struct {
    bool is_told;
    uint8_t state;
    uint8_t known;
    uint64_t order_id;
    cc_port_sense sense;
} cc_told;

typedef struct {
    cc_charge charge;
    cc_port_state state;
    cc_drawing drawing;
    cc_port_sense sense;
    cc_told told;
    uint32_t looked_s;     /* when its drawing was looked at last, in seconds of charging */
    uint32_t checkpoint_s; /* the same of its checkpoint */
    uint32_t resume_s;     /* when it goes on, while it is paused */
    uint32_t mute_s;       /* since when a sensor that it has does not answer */
    uint64_t ended_order_id;
    uint8_t has;           /* sensors that have answered since the start */
    bool is_mute;
    bool is_warned;
} cc_socket;

typedef struct {
    uint32_t generation;
    uint8_t key[16];
    uint8_t next_key[16];
    uint32_t codes_highest;
    uint32_t codes_below;
    bool has_next;
} cc_keys;

typedef struct {
    uint8_t box;
    uint8_t ports[CC_PORTS];
} cc_locks;

typedef struct {
    uint32_t record;
    uint32_t offline;
} cc_counters;

/* Where to connect instead of the address from the factory. */
typedef struct {
    char host[CC_HOST + 1];
    uint16_t port;
    uint8_t tries;
    uint8_t failures; /* connections in a row that came to no WELCOME */
    bool is_tls;
    bool is_there;
} cc_address;

typedef struct {
    uint32_t image;
    uint32_t size;
    uint32_t offset;
    uint32_t build;
    uint8_t digest[32];
    uint8_t manifest[128];
    uint8_t manifest_size;
    uint8_t stage; /* zero: there is none */
} cc_firmware;

typedef struct {
    const char *identity;
    const char *firmware;
    const char *hardware;
    const char *iccid; /* NULL if there is none */
    const char *imei;
    uint8_t factory_key[16];
    uint8_t ports;
    uint32_t capabilities;
    uint32_t build;
} cc_config;

typedef struct {
    uint16_t slot;
    uint32_t record;
    uint32_t sent_s;
    bool is_there;
} cc_on_the_way;

typedef struct {
    const cc_board *board;
    void *context;
    const cc_config *config;
    cc_keys keys;
    cc_locks locks;
    cc_counters counters;
    cc_firmware firmware;
    cc_address address;
    int32_t settings[CC_SETTINGS];
    cc_session session;
    cc_ring ring;
    cc_liveness liveness;
    cc_socket ports[CC_PORTS];
    cc_box_sense box;
    cc_on_the_way on_the_way[CC_ON_THE_WAY];
    uint32_t boot;
    uint32_t connections;
    uint64_t unix_s; /* at `unix_at_s`; zero while the time is not known */
    uint32_t unix_at_s;
    uint32_t reported_s;
    uint32_t told_in_full_s;
    uint32_t told_uptime_s; /* of the last report, for differences */
    uint32_t block_s;       /* when a block of firmware was asked for */
    uint32_t come_back_s;   /* after COME_BACK */
    uint32_t wrong_codes_s;
    uint8_t wrong_codes;
    bool is_connected;
    bool is_obeying;    /* a command: its answer comes first */
    bool uses_next_key;
    bool goes_back;     /* for one connection, to the key before the next one */
    bool is_to_hang_up; /* behind an answer */
    bool is_to_restart;
    bool restarts_idle;
    bool is_full_told; /* that there is no room for records */
} cc_charger;

/* How many ports there are; they count from zero in here, and from one on the wire. */
static inline uint8_t cc_ports(const cc_charger *charger)
{
    return charger->config->ports < CC_PORTS ? charger->config->ports : CC_PORTS;
}

uint32_t cc_now_s(const cc_charger *charger);
/* Unix time, zero while it is not known. */
uint64_t cc_unix_s(const cc_charger *charger);
bool cc_any_charges(const cc_charger *charger);
/* Write down how far a port's charge has come. */
void cc_checkpoint(cc_charger *charger, uint8_t port);

#endif
