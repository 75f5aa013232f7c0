#include "state.h"

uint32_t cc_now_s(const cc_charger *charger)
{
    return charger->board->uptime_s(charger->context);
}

uint64_t cc_unix_s(const cc_charger *charger)
{
    return charger->unix_s == 0
               ? 0
               : charger->unix_s + (cc_now_s(charger) - charger->unix_at_s);
}

bool cc_any_charges(const cc_charger *charger)
{
    for (uint8_t port = 0; port < cc_ports(charger); port++) {
        if (charger->ports[port].charge.is_running) {
            return true;
        }
    }
    return false;
}

void cc_checkpoint(cc_charger *charger, uint8_t port)
{
    cc_socket *at = &charger->ports[port];
    at->charge.meter_mwh = at->sense.meter_mwh;
    at->checkpoint_s = at->charge.charged_s;
    cc_keep(charger->board, charger->context, CC_KEPT_PORT + port, &at->charge,
            sizeof at->charge);
}
