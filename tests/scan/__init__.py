"""Tests of files → records → modules."""
