"""Totals for a period and a scope: orders, users, energy, money, carbon."""
