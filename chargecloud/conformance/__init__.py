"""The kit that proves a dialect: C{pytest --pyargs chargecloud.conformance --dialect NAME}.

Each test is a rule that the platform counts on.  What it needs is the dialect itself, the
simulator's side of it (C{chargecloud_simulated_dialects}), and, if there are any, golden frames
from the field (C{--golden FILE}).
"""
