"""What words mean: phrases, digits, fillers."""
