"""Which steps make a gate fail, in few runs."""
