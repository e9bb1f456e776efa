"""Large packages as they are, compared with slower and independent implementations."""
