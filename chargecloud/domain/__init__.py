"""Floor 0: values and rules.  Pure Python and attrs; no Twisted, no clock, no I/O."""
