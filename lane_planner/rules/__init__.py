"""Lanes over the graph: violations, cycles, waivers, diagnostics. Rules return, and never print."""
