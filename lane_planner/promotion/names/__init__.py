"""What a file's names are and mean."""
