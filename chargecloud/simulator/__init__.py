"""Floor 6: simulated chargers, and the people who charge at them."""
