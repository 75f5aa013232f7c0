"""Payments for trying out: a channel that takes no money."""
