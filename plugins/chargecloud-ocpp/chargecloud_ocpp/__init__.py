"""OCPP 1.6J for ChargeCloud."""
