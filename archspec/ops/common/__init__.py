"""What ops share: their base, arguments, shapes, windows, memory.  No op lives here."""
