"""From a graph to tables keyed by step path; nothing here changes a graph or imports torch."""
