"""What runs when modules are imported, and in which order."""
