"""Floor 2: one module a helpdesk, the delivery protocol, the HTTP client with its limits."""
