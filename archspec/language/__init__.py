"""What describes the language itself and takes no graph: its schema, its reference, its messages."""
