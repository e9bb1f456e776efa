"""Everything that is known of a repository as one HTML page that works without a network."""
