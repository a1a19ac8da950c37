"""Many uses of one block, set side by side: a common form, and what differs between the uses as parameters.

The stages, a file each, in their order.  ``items`` says what each use of a scope holds, from the analyses ``flow``
and ``structure``.  ``unify`` finds one skeleton for all uses of a block, kept in ``templates``, with these parts:
``wiring`` (which values flow), ``members`` (the calls), ``conditions`` (what some uses lack), ``chains``, ``branches``
and ``loops``.  ``solver``, over ``arguments``, finds the formulas, ``series`` the loops, ``align`` the order of steps,
``settle`` the local variables; ``algebra`` computes with formulas.
"""
