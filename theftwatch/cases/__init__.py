"""Cases: what is asked of a vendor or a portal, by a person, and what comes of it."""
