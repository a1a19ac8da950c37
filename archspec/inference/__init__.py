"""A network for inference: the plain form's function in fewer and faster calls.

``lowering`` makes a graph of ``operations`` that take in the steps around them, by the rules in ``merging`` and
``affine``; ``source`` writes it with ``texts`` and ``loading_texts`` around the network's classes.
"""

from archspec.inference.lowering import Precision, lowered
from archspec.inference.source import Device, source

__all__ = ["Device", "Precision", "lowered", "source"]
