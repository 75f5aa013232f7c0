"""Floor 6: HTTP.  L{chargecloud.web.serving} serves the routes that the rooms declare."""
