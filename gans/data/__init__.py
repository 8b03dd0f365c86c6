"""Tables: sources, schema, codecs, relations between columns."""
