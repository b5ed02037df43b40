"""When a contact may be called: hours of a day, laws, zones, call-backs."""
