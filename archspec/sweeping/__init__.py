"""Sweeps: many variants of a spec, measured without torch, kept, compared."""
