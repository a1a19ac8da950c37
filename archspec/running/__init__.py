"""What runs a compiled network: torch is imported here."""
