"""Gate commands, coverage data, and the evidence that they leave."""
