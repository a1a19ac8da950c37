"""Tables about a network as text and JSON."""
