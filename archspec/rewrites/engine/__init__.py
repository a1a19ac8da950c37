"""The engine of rewrites: a draft that a rewrite edits, and the graph made from it."""
