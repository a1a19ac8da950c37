"""Runs compiled networks.  This package imports torch."""
