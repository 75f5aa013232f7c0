"""Tariffs of OCPI 2.2.1 (Open Charge Point Interface, section 11: the Tariffs module)."""
