"""Networks held to the figures of the papers that made them known: see README.md here."""
