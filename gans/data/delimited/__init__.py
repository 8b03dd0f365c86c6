"""Delimited text files (CSV): each value is kept as the person meant it, or the file is refused with line and key."""
