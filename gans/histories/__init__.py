"""Histories of events: learnt by chains of conditional generators, and drawn event by event."""
