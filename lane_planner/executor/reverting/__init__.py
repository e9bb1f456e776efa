"""Steps that have landed, taken back."""
