"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  // a list of 80 operations is read by its headings
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
});
