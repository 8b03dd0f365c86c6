"""Histories of events: learned by chains of conditional generators, and drawn event by event."""
