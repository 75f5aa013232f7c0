"""Floor 2: sans-IO codecs.  Bytes in, values out, and back."""
