"""How a rewrite is carried out: the draft that it edits, and the graph made of it again."""
