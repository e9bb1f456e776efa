"""Tests of resolution and of the import graph."""
