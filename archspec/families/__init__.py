"""Unification of the uses of a block: one common form, with parameters for what differs between the uses.

Each stage is a file.  ``items`` lists the contents of each use of a scope, from the analyses ``flow`` and
``structure``.  ``unify`` finds one skeleton for all uses of a block, as ``templates`` defines it, with the help of
``wiring`` (which values are read), ``members`` (the calls), ``conditions`` (entries that some uses lack), ``chains``,
``branches`` and ``loops``.  ``solver``, on top of ``arguments``, finds the formulas, ``series`` the loops, ``align``
the order of steps, ``settle`` the local variables; ``algebra`` computes with formulas.
"""
