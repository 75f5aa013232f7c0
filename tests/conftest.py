"""Settings of all tests."""

from hypothesis import settings

# a busy machine is no failure: what is too slow shows in the bench, not here
settings.register_profile("chargecloud", deadline=None)
settings.load_profile("chargecloud")
