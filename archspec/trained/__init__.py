"""A trained network in use: judged on labelled images, asked about others, handed on as a file."""
