"""Imports networks from other tools as specs: one folder for each framework, one common form (``network``).

The stages, one file each, in order: an importer gives a ``network``, its layers in the order of execution; ``scopes``
builds the tree of modules; ``branches`` finds parallel branches; ``recognising`` finds the library's blocks; ``blocks``
turns the uses of one class into a block; ``text`` and ``loops`` write YAML.
"""
