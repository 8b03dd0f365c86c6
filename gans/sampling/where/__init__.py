"""The language of `where`: read, checked, and turned into what columns may hold."""
