"""Descriptions of the language itself: its schema, its reference, its messages.  None takes a graph."""
