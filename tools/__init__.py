"""Programs that the project itself is made with."""
