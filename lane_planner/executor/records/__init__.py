"""What runs did and do: journal, lock, promotion log, status."""
