"""What gates are asked, where they run, and what they said."""
