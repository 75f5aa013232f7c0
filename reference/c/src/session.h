/* One connection of a charger, without I/O: bytes in, messages and bytes out.
 *
 * The handshake, the seals and the counters of docs/native-protocol.rst, with suite 1.  What may not
 * be ends the session; whoever holds the socket closes it then, and says nothing more on it. */
#ifndef CC_SESSION_H
#define CC_SESSION_H

#include "aes.h"
#include "ccm.h"
#include "messages.h"

#define CC_VERSION 1
#define CC_FRAME 256
#define CC_IDENTITY 32
#define CC_MOST_RETRY_S 600

/* Who the charger is.  The pair of boot and connection must never come twice under one key. */
typedef struct {
    const char *identity; /* of at most 32 characters */
    const uint8_t *key;   /* 16 bytes */
    uint32_t key_generation;
    uint32_t boot;
    uint32_t connection;
    uint8_t login_digest[4];
} cc_credentials;

typedef enum {
    CC_NEW,
    CC_GREETED,
    CC_OPEN,
    CC_CLOSED,
} cc_state;

typedef enum {
    CC_FAULT_NONE,
    CC_FAULT_FRAME,   /* a head or length that may not be, or one out of turn */
    CC_FAULT_TAG,     /* not the far side's next frame: from here on nothing is believed */
    CC_FAULT_MESSAGE, /* sealed well, and yet no message */
    CC_FAULT_USED_UP, /* as many frames as a key may close */
    CC_REFUSED,       /* by somebody, and in clear: only a reason to wait longer */
} cc_fault;

struct cc_session;

/* What the session tells; `context` is the session's. */
typedef struct {
    /* bytes are to be sent */
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* the cloud has proved itself; the values are those of WELCOME */
    void (*welcomed)(void *context, const cc_value *values);
    /* a message has come, with its values; they end with the call */
    void (*heard)(void *context, uint8_t type, const cc_value *values);
} cc_listener;

typedef struct cc_session {
    const cc_listener *listener;
    void *context;
    cc_credentials who;
    cc_aes aes;
    uint32_t sent;
    uint32_t received;
    cc_state state;
    cc_fault fault;
    uint8_t refusal;   /* its code, with CC_REFUSED */
    uint16_t retry_s;  /* zero if it tells none */
    uint16_t waiting;  /* bytes of `in` */
    uint16_t greeting; /* bytes of HELLO, which stand in `out` until WELCOME has come */
    uint8_t in[CC_FRAME];
    uint8_t out[CC_FRAME];
} cc_session;

/* Begin a connection that has just been made: HELLO is sent. */
void cc_session_begin(cc_session *session, const cc_listener *listener, void *context,
                      const cc_credentials *who, uint32_t uptime_s);

/* Take bytes as they came, in pieces of any size.  False once the connection is to be closed. */
bool cc_session_receive(cc_session *session, const uint8_t *data, size_t size);

/* Send a message.  False if the session is not open, or the message has no room in a frame. */
bool cc_session_say(cc_session *session, uint8_t type, const cc_value *values);

/* Send a message that has been written before: a type and its record. */
bool cc_session_say_written(cc_session *session, const uint8_t *message, size_t size);

#endif
