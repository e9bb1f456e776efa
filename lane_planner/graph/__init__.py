"""Import records → the resolved import graph."""
