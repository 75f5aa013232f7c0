"""Floor 4: tariffs, bills, wallets."""
