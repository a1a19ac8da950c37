"""Code that several rewrites share."""
