"""The pages of docs/reference, written from the code that they are about.

`make docs` writes them; a test compares them with what is committed.
"""
