/* A charger on this machine: the client with sockets for a modem, files for its memories, and ports
 * whose bikes draw what they are told.
 *
 *     cc-host ADDRESS PORT IDENTITY KEY FOLDER [WATTS]
 *
 * It tells what happens on its standard output, a line each, and takes from its standard input:
 *
 *     plug N | unplug N | heat N TENTHS | smoke 0|1 | fire 0|1 | code DIGITS | fail | cut
 *
 * ("fail": the mains fail, and it is switched off; "cut": the connection is lost.) */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../src/charger.h"

#define PORTS 4
#define FLASH (CC_SECTORS * CC_SECTOR)

typedef struct {
    const char *address;
    const char *service;
    uint32_t power_dw;
    int socket;
    int kept;
    int flash;
    int meters;
    bool is_plugged[PORTS];
    bool is_closed[PORTS];
    int32_t temperature_dc[PORTS];
    uint64_t meter_mwh[PORTS];
    uint64_t rest[PORTS]; /* of a mWh, in 1/3600 */
    cc_box_sense box;
    time_t began;
} host;

static void tell(const char *what, unsigned port, unsigned long long value)
{
    printf("%s %u %llu\n", what, port, value);
    fflush(stdout);
}

static uint32_t uptime_s(void *context)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_sec - ((host *)context)->began);
}

static uint32_t chance(void *context)
{
    (void)context;
    return (uint32_t)rand();
}

static void send_bytes(void *context, const uint8_t *bytes, size_t size)
{
    host *board = context;
    /* a connection that does not take it is lost, and its end is noticed in the loop */
    if (board->socket >= 0 && send(board->socket, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) {
        shutdown(board->socket, SHUT_RDWR);
    }
}

static void hang_up(void *context)
{
    host *board = context;
    close(board->socket);
    board->socket = -1;
    tell("hung-up", 0, 0);
}

static void switch_relay(void *context, uint8_t port, bool is_closed)
{
    host *board = context;
    if (board->is_closed[port - 1] != is_closed) {
        board->is_closed[port - 1] = is_closed;
        tell(is_closed ? "closed" : "opened", port, board->meter_mwh[port - 1]);
    }
}

static void sense_port(void *context, uint8_t port, cc_port_sense *sense)
{
    const host *board = context;
    const unsigned at = port - 1u;
    *sense = (cc_port_sense){
        .known = CC_KNOWS_PLUG | CC_KNOWS_METER | CC_KNOWS_POWER | CC_KNOWS_TEMPERATURE,
        .is_plugged = board->is_plugged[at],
        .meter_mwh = board->meter_mwh[at],
        .power_dw = board->is_plugged[at] && board->is_closed[at] ? board->power_dw : 0,
        .temperature_dc = board->temperature_dc[at],
    };
}

static void sense_box(void *context, cc_box_sense *sense)
{
    *sense = ((const host *)context)->box;
}

static void check(bool is_done, const char *what)
{
    if (!is_done) {
        perror(what);
        exit(1);
    }
}

static void read_at(int file, uint32_t at, void *bytes, size_t size)
{
    check(pread(file, bytes, size, at) == (ssize_t)size, "read");
}

static void write_at(int file, uint32_t at, const void *bytes, size_t size)
{
    check(pwrite(file, bytes, size, at) == (ssize_t)size, "write");
}

static void read_kept(void *context, uint32_t at, void *bytes, size_t size)
{
    read_at(((host *)context)->kept, at, bytes, size);
}

static void write_kept(void *context, uint32_t at, const void *bytes, size_t size)
{
    write_at(((host *)context)->kept, at, bytes, size);
}

static void read_flash(void *context, uint32_t at, void *bytes, size_t size)
{
    read_at(((host *)context)->flash, at, bytes, size);
}

/* As flash does: bits only go from 1 to 0. */
static void program_flash(void *context, uint32_t at, const void *bytes, size_t size)
{
    uint8_t there[CC_SLOT];
    read_flash(context, at, there, size);
    for (size_t i = 0; i < size; i++) {
        there[i] &= ((const uint8_t *)bytes)[i];
    }
    write_at(((host *)context)->flash, at, there, size);
}

static void erase_sector(void *context, uint32_t at)
{
    uint8_t ones[CC_SECTOR];
    memset(ones, 0xff, sizeof ones);
    write_at(((host *)context)->flash, at, ones, sizeof ones);
}

static const cc_board seam = {
    .uptime_s = uptime_s,
    .chance = chance,
    .send = send_bytes,
    .hang_up = hang_up,
    .switch_relay = switch_relay,
    .sense_port = sense_port,
    .sense_box = sense_box,
    .read_kept = read_kept,
    .write_kept = write_kept,
    .read_flash = read_flash,
    .program_flash = program_flash,
    .erase_sector = erase_sector,
};

/* A memory as a file, of so many bytes of a value when it is new. */
static int open_memory(const char *folder, const char *name, size_t size, int value)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_RDWR | O_CREAT, 0600);
    check(file >= 0, path);
    if (lseek(file, 0, SEEK_END) == 0) {
        uint8_t *blank = malloc(size);
        check(blank != NULL, "memory");
        memset(blank, value, size);
        write_at(file, 0, blank, size);
        free(blank);
    }
    return file;
}

static int dial(const host *board, const cc_address *instead)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    snprintf(port, sizeof port, "%u", instead != NULL ? (unsigned)instead->port : 0u);
    if (getaddrinfo(instead != NULL ? instead->host : board->address,
                    instead != NULL ? port : board->service, &hints, &found)
        != 0) {
        return -1;
    }
    int made = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (made >= 0 && connect(made, found->ai_addr, found->ai_addrlen) != 0) {
        close(made);
        made = -1;
    }
    freeaddrinfo(found);
    return made;
}

/* What a second draws. */
static void draw(host *board)
{
    for (unsigned port = 0; port < PORTS; port++) {
        if (board->is_plugged[port] && board->is_closed[port]) {
            board->rest[port] += (uint64_t)board->power_dw * 100;
            board->meter_mwh[port] += board->rest[port] / 3600;
            board->rest[port] %= 3600;
        }
    }
    write_at(board->meters, 0, board->meter_mwh, sizeof board->meter_mwh);
}

static void obey(cc_charger *charger, host *board, const char *line)
{
    char word[16];
    char argument[32] = "";
    long value = 0;
    if (sscanf(line, "%15s %31s %ld", word, argument, &value) < 1) {
        return;
    }
    const unsigned number = (unsigned)atoi(argument);
    const unsigned port = number >= 1 && number <= PORTS ? number - 1 : 0;
    if (strcmp(word, "plug") == 0 || strcmp(word, "unplug") == 0) {
        board->is_plugged[port] = word[0] == 'p';
    } else if (strcmp(word, "heat") == 0) {
        board->temperature_dc[port] = (int32_t)value;
    } else if (strcmp(word, "smoke") == 0) {
        board->box.is_smoke = number != 0;
    } else if (strcmp(word, "fire") == 0) {
        board->box.is_fire = number != 0;
    } else if (strcmp(word, "code") == 0 && strlen(argument) == CC_CODE_DIGITS) {
        tell("code", 0, cc_charger_take_code(charger, argument));
    } else if (strcmp(word, "fail") == 0) {
        cc_charger_power_fails(charger);
        exit(0);
    } else if (strcmp(word, "cut") == 0 && board->socket >= 0) {
        close(board->socket);
        board->socket = -1;
        cc_charger_disconnected(charger);
        /* the network is back at once */
        charger->liveness.connect_s = uptime_s(board);
    }
}

static void take_lines(cc_charger *charger, host *board)
{
    static char line[256];
    static size_t filled;
    char byte;
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got == 0) {
        exit(0);
    }
    if (got < 0 || filled == sizeof line - 1) {
        filled = 0;
    } else if (byte == '\n') {
        line[filled] = '\0';
        filled = 0;
        obey(charger, board, line);
    } else {
        line[filled++] = byte;
    }
}

static void take_bytes(cc_charger *charger, host *board)
{
    uint8_t bytes[512];
    const ssize_t got = recv(board->socket, bytes, sizeof bytes, 0);
    if (got > 0) {
        const bool was_open = charger->session.state == CC_OPEN;
        cc_charger_receive(charger, bytes, (size_t)got);
        if (!was_open && charger->session.state == CC_OPEN) {
            tell("welcomed", 0, charger->keys.generation);
        }
    } else {
        close(board->socket);
        board->socket = -1;
        cc_charger_disconnected(charger);
        tell("lost", 0, 0);
    }
}

static void run(cc_charger *charger, host *board)
{
    uint32_t ticked_s = 0;
    for (;;) {
        fd_set waiting;
        struct timeval patience = {0, 100000};
        FD_ZERO(&waiting);
        FD_SET(STDIN_FILENO, &waiting);
        if (board->socket >= 0) {
            FD_SET(board->socket, &waiting);
        }
        const int highest = board->socket > STDIN_FILENO ? board->socket : STDIN_FILENO;
        select(highest + 1, &waiting, NULL, NULL, &patience);
        if (FD_ISSET(STDIN_FILENO, &waiting)) {
            take_lines(charger, board);
        }
        if (board->socket >= 0 && FD_ISSET(board->socket, &waiting)) {
            take_bytes(charger, board);
        }
        for (; ticked_s < uptime_s(board); ticked_s++) {
            draw(board);
            cc_charger_tick(charger);
        }
        if (cc_charger_wants_connection(charger)) {
            board->socket = dial(board, cc_charger_address(charger));
            if (board->socket >= 0) {
                cc_charger_connected(charger);
            } else {
                cc_charger_not_reached(charger);
                tell("not-reached", 0, 0);
            }
        } else if (board->socket < 0) {
            struct timespec pause = {0, 50000000};
            nanosleep(&pause, NULL);
        }
    }
}

int main(int count, char **words)
{
    static cc_charger charger;
    static host here = {.socket = -1};
    static cc_config config = {
        .firmware = "1.0.0", .hardware = "HOST", .ports = PORTS, .build = 1,
        /* plug_sensing, port_meters, port_temperature, smoke_sensing, start_codes */
        .capabilities = 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 13,
    };
    if (count < 6 || strlen(words[4]) != 32) {
        fprintf(stderr, "usage: cc-host ADDRESS PORT IDENTITY KEY FOLDER [WATTS]\n");
        return 2;
    }
    here.address = words[1];
    here.service = words[2];
    config.identity = words[3];
    for (unsigned i = 0; i < sizeof config.factory_key; i++) {
        unsigned byte;
        check(sscanf(words[4] + 2 * i, "%2x", &byte) == 1, "the key");
        config.factory_key[i] = (uint8_t)byte;
    }
    here.power_dw = count > 6 ? (uint32_t)atoi(words[6]) * 10 : 2000;
    here.kept = open_memory(words[5], "kept", CC_KEPT_ROOM, 0xff);
    here.flash = open_memory(words[5], "flash", FLASH, 0xff);
    here.meters = open_memory(words[5], "meters", sizeof here.meter_mwh, 0);
    read_at(here.meters, 0, here.meter_mwh, sizeof here.meter_mwh);
    for (unsigned port = 0; port < PORTS; port++) {
        here.is_plugged[port] = true;
        here.temperature_dc[port] = 250;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    here.began = now.tv_sec;
    srand((unsigned)(now.tv_nsec ^ getpid()));
    cc_charger_start(&charger, &seam, &here, &config);
    run(&charger, &here);
}
