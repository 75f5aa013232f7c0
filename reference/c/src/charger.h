/* A charger: what a board's main loop calls.
 *
 *     cc_charger_start(&charger, &board, context, &config);
 *     for (;;) {
 *         once a second                        cc_charger_tick(&charger);
 *         cc_charger_wants_connection()        connect to cc_charger_address(), then
 *                                              cc_charger_connected(&charger);
 *         bytes have come                      cc_charger_receive(&charger, bytes, size);
 *         the connection has ended             cc_charger_disconnected(&charger);
 *         the mains fail                       cc_charger_power_fails(&charger);
 *     }
 */
#ifndef CC_CHARGER_H
#define CC_CHARGER_H

#include "state.h"

void cc_charger_start(cc_charger *charger, const cc_board *board, void *context,
                      const cc_config *config);
void cc_charger_tick(cc_charger *charger);
bool cc_charger_wants_connection(const cc_charger *charger);
/* Where to connect; NULL for the address from the factory. */
const cc_address *cc_charger_address(const cc_charger *charger);
void cc_charger_connected(cc_charger *charger);
/* The connection that it wanted could not be made. */
void cc_charger_not_reached(cc_charger *charger);
void cc_charger_receive(cc_charger *charger, const uint8_t *bytes, size_t size);
void cc_charger_disconnected(cc_charger *charger);
void cc_charger_power_fails(cc_charger *charger);

/* Somebody types a start code at the charger.  Whether a charge begins. */
bool cc_charger_take_code(cc_charger *charger, const char digits[CC_CODE_DIGITS]);

#endif
