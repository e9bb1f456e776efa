"""What names a moved module outside of imports: the reference ledger."""
