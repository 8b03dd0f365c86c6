"""Tables: sources, schema, codecs."""
