"""The platform's own protocol; docs/native-protocol.rst is its specification."""
