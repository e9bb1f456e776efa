"""Files → modules → import records: discovery, slicing, parsing of the slices, cache, workers.

Three rings: `scan_source` (bytes → records, no I/O), `sources` (where bytes come from: a working
tree or a commit), `tree` (a whole repository, cached and in parallel).
"""
