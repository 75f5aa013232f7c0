"""The Open Charge Alliance's OCPP 1.6 test cases for central systems, and the tests that run them.

As data for the document: test case document of 2026-02, chapter 3, whose ids end in C{_CSMS}.
"""

from collections.abc import Sequence

from attrs import frozen

_CHARGES, _CASES, _LOGIN = "test_ocpp_charges", "test_ocpp_cases", "test_ocpp_login"
_TLS = "test_ocpp_certificates"
_OPERATIONS, _ANSWERS = "test_ocpp_operations", "test_ocpp_answers"
_TOLD = (_CASES, "test_what_an_operation_comes_to_is_told")
_FILE = (_CASES, "test_what_becomes_of_a_file_is_heard")
_EVERY = (_OPERATIONS, "test_every_operation_is_carried_out")
_PROFILES = (_OPERATIONS, "test_charging_profiles_are_kept")
_LIST = (_OPERATIONS, "test_the_local_list_is_kept")
_CARD = (_CHARGES, "test_a_card_that_may_not_charge_is_told_so")
_SESSION = (_CASES, "test_a_session_at_the_charge_point")
_OFFLINE = (_CASES, "test_a_charge_begun_without_a_connection")
_CONFIGURATION = (_OPERATIONS, "test_the_configuration_is_kept_without_its_secrets")
_RESERVATIONS = (_OPERATIONS, "test_reservations_are_kept_until_they_are_over")
_OTHERS = ("test_ocpp_sockets", "test_a_charge_point_of_somebody_else_charges")
_SIGNED = ("test_ocpp_certifying", "test_a_certificate_is_signed_and_brought")
_SECURITY = (_CASES, "test_a_security_event_is_heard")


@frozen
class Case:
    """
    One test case.

    @ivar number: after C{TC_}.
    @ivar test: module and function.
    """

    number: str
    title: str
    test: tuple[str, str]


CASES: Sequence[Case] = (
    Case("001", "Cold boot", (_LOGIN, "test_a_charge_point_boots")),
    Case("003", "Charging session, plugged in first", _SESSION),
    Case("004_1", "Charging session, identified first", _SESSION),
    Case("004_2", "The same, connection timeout", (_CASES, "test_nobody_plugs_in")),
    Case("005_1", "Disconnected at the EV", (_CASES, "test_a_cable_that_is_pulled_at_the_car")),
    Case("007", "Start with a cached id", (_CASES, "test_a_card_that_is_known_from_before")),
    Case("010", "Remote start, plugged in first", (_CHARGES, "test_a_charge_is_billed")),
    Case("011_1", "Remote start first", (_CHARGES, "test_a_charge_is_billed")),
    Case("011_2", "Remote start, timeout", (_CHARGES, "test_accepted_is_not_started")),
    Case("012", "Remote stop", (_CHARGES, "test_stopping_names_the_transaction")),
    Case("013", "Hard reset", (_CASES, "test_a_reset_and_the_boot_after_it")),
    Case("014", "Soft reset", (_CASES, "test_a_reset_and_the_boot_after_it")),
    Case("017_1", "Unlock, no session, loose cable", _TOLD),
    Case("017_2", "Unlock, no session, fixed cable", _TOLD),
    Case("018_1", "Unlock with a session", _TOLD),
    Case("019_1", "Read all configuration", _CONFIGURATION),
    Case("019_2", "Read one configuration key", _TOLD),
    Case("021", "Set configuration", _CONFIGURATION),
    Case("023_1", "Authorize: invalid", _CARD),
    Case("023_2", "Authorize: expired", _CARD),
    Case("023_3", "Authorize: blocked", _CARD),
    Case("024", "Lock failure", (_CASES, "test_a_lock_that_fails")),
    Case("026", "Remote start rejected", (_CHARGES, "test_a_refused_start_costs_nothing")),
    Case("028", "Remote stop rejected", _TOLD),
    Case("030", "Unlock fails", _TOLD),
    Case("031", "Unlock of an unknown connector", _TOLD),
    Case("032_1", "Boot after a power failure", (_CASES, "test_a_cut_of_the_power")),
    Case("037_1", "Offline start, valid id", _OFFLINE),
    Case("037_3", "Offline start, invalid id", _OFFLINE),
    Case("039", "Offline transaction", (_CASES, "test_a_charge_without_a_connection")),
    Case("040_1", "Configuration not supported", _TOLD),
    Case("040_2", "Configuration of an invalid value", _TOLD),
    Case("042_1", "Local list version, not supported", _LIST),
    Case("042_2", "Local list version, empty", _TOLD),
    Case("043_1", "Local list not supported", _TOLD),
    Case("043_3", "Local list failed", _TOLD),
    Case("043_4", "Local list, full", _LIST),
    Case("043_5", "Local list, differential", _LIST),
    Case("044_1", "Firmware update", _FILE),
    Case("044_2", "Firmware update, download failed", _FILE),
    Case("044_3", "Firmware update, installation failed", _FILE),
    Case("045_1", "Diagnostics", _FILE),
    Case("045_2", "Diagnostics, upload failed", _FILE),
    Case("046", "Reservation, transaction", (_CASES, "test_a_reservation_is_used")),
    Case("047", "Reservation expires", _RESERVATIONS),
    Case("048_1", "Reservation: faulted", _TOLD),
    Case("048_2", "Reservation: occupied", _TOLD),
    Case("048_3", "Reservation: unavailable", _TOLD),
    Case("048_4", "Reservation: rejected", _TOLD),
    Case("049", "Reservation of a charge point", (_CASES, "test_a_reservation_is_used")),
    Case("051", "Cancel a reservation", _RESERVATIONS),
    Case("052", "Cancel a reservation, rejected", _RESERVATIONS),
    Case("053", "Reservation with parentIdTag", (_CASES, "test_a_reservation_is_used")),
    Case("054", "Trigger message", _EVERY),
    Case("055", "Trigger message rejected", _TOLD),
    Case("056", "TxDefaultProfile", _PROFILES),
    Case("057", "TxProfile", _PROFILES),
    Case("059", "Remote start with a profile", (_CASES, "test_a_start_with_a_charging_profile")),
    Case("061", "Clear the authorization cache", _EVERY),
    Case("064", "Data transfer to the central system", (_ANSWERS, "test_only_ocpp_has_it")),
    Case("066", "Composite schedule", _TOLD),
    Case("067", "Clear a charging profile", _PROFILES),
    Case("073", "Another password", (_CASES, "test_another_password")),
    Case("074", "Another charge point certificate", _SIGNED),
    Case("075_1", "Install a manufacturer's root certificate", _TOLD),
    Case("075_2", "Install a central system's root certificate", _EVERY),
    Case("076", "Delete a certificate", _EVERY),
    Case("077", "Event: invalid charge point certificate", _SECURITY),
    Case("078", "Event: invalid central system certificate", _SECURITY),
    Case("079", "Security log", _FILE),
    Case("080", "Secure firmware update", _FILE),
    Case("081", "The same, invalid signature", _FILE),
    Case("083", "Another security profile", (_CASES, "test_another_security_profile")),
    Case("085", "Basic authentication", (_LOGIN, "test_a_password_is_the_key_in_either_form")),
    Case("086", "TLS, valid server certificate", (_TLS, "test_a_password_behind_tls")),
    Case("087", "TLS, valid client certificate", (_TLS, "test_a_certificate_is_a_proof")),
    Case("088", "WebSocket subprotocol", _OTHERS),
)
