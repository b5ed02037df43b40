"""The endpoints of a front desk: opening hours, and the messages that callers left."""
