"""DNY, the protocol of the AP3000 family: sockets, boxes and hosts for two-wheelers."""
