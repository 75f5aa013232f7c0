"""The kit that proves a dialect, C{pytest --pyargs chargecloud.conformance --dialect NAME}, or a
tariff, C{--tariff KIND --terms FILE}.

Each test is a rule that the platform counts on.  For a dialect it needs the dialect itself, the
simulator's side of it (C{chargecloud_simulated_dialects}), and, if there are any, golden frames
from the field (C{--golden FILE}); for a tariff, terms that people would agree on with it.
"""
