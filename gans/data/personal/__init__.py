"""Personal data in a table: which columns hold it, what is done with them, and made-up values in its place."""
