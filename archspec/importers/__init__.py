"""Networks that others wrote, as specs: one folder for each framework over one vocabulary (``network``).

The stages, a file each, in their order: an importer gives a ``network``, its layers in the order they run; ``scopes``
makes of it the tree of modules; ``branches`` finds what runs side by side; ``blocks`` sets the uses of one class side
by side; ``text`` writes YAML.
"""
