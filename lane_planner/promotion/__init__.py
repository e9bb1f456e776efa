"""One promotion as data: file moves, rewritten files, and the proof that nothing else changed."""
