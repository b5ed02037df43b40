"""Reports on a campaign: its state, why contacts wait, the estimate before it begins, the results."""
