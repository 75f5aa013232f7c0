"""Metering: what chargers' meters, amounts and clocks come to, and verifications on site."""
