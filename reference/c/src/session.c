#include "session.h"

#include <string.h>

#include "kdf.h"

enum {
    HELLO_HEAD = 0xc0,
    WELCOME_HEAD = 0xc1,
    SEALED_HEAD = 0xc2,
    REFUSAL_HEAD = 0xc3,
    RELAY_HEAD = 0xc4,
};

#define HEAD 2
#define MOST_BODY 254
#define OPENING 20 /* head, length, version, suite, server nonce */
#define SUITE_CCM 1
#define SUITE_CCM_BIT 1
#define REFUSED_BUSY 4
#define FIRST_DOWN 0x40

static void end(cc_session *session, cc_fault fault)
{
    session->fault = fault;
    session->state = CC_CLOSED;
}

static void make_nonce(uint8_t nonce[CC_NONCE], uint8_t direction, uint32_t counter)
{
    memset(nonce, 0, CC_NONCE);
    nonce[0] = direction;
    for (unsigned i = 0; i < 4; i++) {
        nonce[CC_NONCE - 1 - i] = (uint8_t)(counter >> (8 * i));
    }
}

void cc_session_begin(cc_session *session, const cc_listener *listener, void *context,
                      const cc_credentials *who, uint32_t uptime_s)
{
    memset(session, 0, sizeof *session);
    session->listener = listener;
    session->context = context;
    session->who = *who;
    cc_value hello[CC_HELLO_FIELDS] = {
        [CC_HELLO_IDENTITY] = cc_bytes(who->identity, strlen(who->identity)),
        [CC_HELLO_KEY_GENERATION] = cc_number(who->key_generation),
        [CC_HELLO_BOOT] = cc_number(who->boot),
        [CC_HELLO_CONNECTION] = cc_number(who->connection),
        [CC_HELLO_SUITES] = cc_number(SUITE_CCM_BIT),
        [CC_HELLO_UPTIME_S] = cc_number(uptime_s),
        [CC_HELLO_LOGIN_DIGEST] = cc_bytes(who->login_digest, sizeof who->login_digest),
    };
    const size_t size = 1 + cc_write(&cc_hello, hello, session->out + HEAD + 1, MOST_BODY - 1);
    session->out[0] = HELLO_HEAD;
    session->out[1] = (uint8_t)size;
    session->out[2] = CC_VERSION;
    session->greeting = (uint16_t)(HEAD + size);
    session->state = CC_GREETED;
    listener->send(context, session->out, session->greeting);
}

/* Close what stands behind the head in `out`, and send it. */
static bool seal_and_send(cc_session *session, size_t size)
{
    uint8_t nonce[CC_NONCE];
    if (session->sent == UINT32_MAX) {
        end(session, CC_FAULT_USED_UP);
        return false;
    }
    session->out[0] = SEALED_HEAD;
    session->out[1] = (uint8_t)(size + CC_TAG);
    make_nonce(nonce, 0, session->sent++);
    cc_ccm_seal(&session->aes, nonce, session->out, HEAD, session->out + HEAD, size);
    session->listener->send(session->context, session->out, HEAD + size + CC_TAG);
    return true;
}

bool cc_session_say(cc_session *session, uint8_t type, const cc_value *values)
{
    const size_t room = MOST_BODY - CC_TAG - 1;
    if (session->state != CC_OPEN) {
        return false;
    }
    const size_t size = cc_write(cc_message(type), values, session->out + HEAD + 1, room);
    if (size == CC_NO_ROOM) {
        return false;
    }
    session->out[HEAD] = type;
    return seal_and_send(session, 1 + size);
}

bool cc_session_say_written(cc_session *session, const uint8_t *message, size_t size)
{
    if (session->state != CC_OPEN || size > MOST_BODY - CC_TAG) {
        return false;
    }
    memcpy(session->out + HEAD, message, size);
    return seal_and_send(session, size);
}

/* Open what the far side has sealed as its next frame; its plain bytes are in place. */
static bool open(cc_session *session, size_t associated, size_t size)
{
    uint8_t nonce[CC_NONCE];
    if (size < CC_TAG) {
        end(session, CC_FAULT_TAG);
        return false;
    }
    if (session->received == UINT32_MAX) {
        end(session, CC_FAULT_USED_UP);
        return false;
    }
    make_nonce(nonce, 1, session->received++);
    if (!cc_ccm_open(&session->aes, nonce, session->in, associated, session->in + associated,
                     size - CC_TAG)) {
        end(session, CC_FAULT_TAG);
        return false;
    }
    return true;
}

static void take_welcome(cc_session *session, size_t size)
{
    uint8_t key[CC_BLOCK];
    cc_value values[CC_WELCOME_FIELDS];
    if (size < OPENING || session->in[2] != CC_VERSION || session->in[3] != SUITE_CCM) {
        end(session, CC_FAULT_FRAME);
        return;
    }
    cc_session_key(session->who.key, (cc_piece){session->out, session->greeting},
                   (cc_piece){session->in, OPENING}, key);
    cc_aes_init(&session->aes, key);
    if (!open(session, OPENING, size - OPENING)) {
        return;
    }
    if (!cc_read(&cc_welcome, session->in + OPENING, size - OPENING - CC_TAG, values)) {
        end(session, CC_FAULT_MESSAGE);
        return;
    }
    session->state = CC_OPEN;
    session->listener->welcomed(session->context, values);
}

static void take_refusal(cc_session *session, size_t size)
{
    const uint8_t *body = session->in + HEAD;
    if (size < HEAD + 2) {
        end(session, CC_FAULT_FRAME);
        return;
    }
    session->refusal = body[1];
    if (body[1] == REFUSED_BUSY && size >= HEAD + 4) {
        const uint16_t retry_s = (uint16_t)(body[2] << 8 | body[3]);
        session->retry_s = retry_s < CC_MOST_RETRY_S ? retry_s : CC_MOST_RETRY_S;
    }
    end(session, CC_REFUSED);
}

static void take_sealed(cc_session *session, size_t size)
{
    cc_value values[CC_MOST_FIELDS];
    if (!open(session, HEAD, size - HEAD)) {
        return;
    }
    const uint8_t *message = session->in + HEAD;
    const size_t length = size - HEAD - CC_TAG;
    const bool is_ours = length == 0 || message[0] < FIRST_DOWN;
    const cc_table *table = is_ours ? NULL : cc_message(message[0]);
    if (is_ours || (table != NULL && !cc_read(table, message + 1, length - 1, values))) {
        end(session, CC_FAULT_MESSAGE);
    } else if (table != NULL) {
        session->listener->heard(session->context, message[0], values);
    }
}

static void take_frame(cc_session *session, size_t size)
{
    const uint8_t head = session->in[0];
    if (head == WELCOME_HEAD && session->state == CC_GREETED) {
        take_welcome(session, size);
    } else if (head == REFUSAL_HEAD && session->state == CC_GREETED) {
        take_refusal(session, size);
    } else if (head == SEALED_HEAD && session->state == CC_OPEN) {
        take_sealed(session, size);
    } else if (head != RELAY_HEAD || session->state != CC_OPEN) {
        /* no devices are behind this charger, and their streams are nobody's */
        end(session, CC_FAULT_FRAME);
    }
}

static bool may_begin_a_frame(uint8_t head)
{
    return head == WELCOME_HEAD || head == SEALED_HEAD || head == REFUSAL_HEAD
           || head == RELAY_HEAD;
}

bool cc_session_receive(cc_session *session, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && session->state != CC_CLOSED; at++) {
        session->in[session->waiting++] = data[at];
        if ((session->waiting == 1 && !may_begin_a_frame(data[at]))
            || (session->waiting == 2 && data[at] > MOST_BODY)) {
            end(session, CC_FAULT_FRAME);
        } else if (session->waiting >= HEAD && session->waiting == HEAD + session->in[1]) {
            const size_t frame = session->waiting;
            session->waiting = 0;
            take_frame(session, frame);
        }
    }
    return session->state != CC_CLOSED;
}
