"""Many uses of one block, set side by side: a common form, and what differs between the uses as parameters.

The stages, a file each, in their order: ``items`` says what each use of a scope holds (over the analyses ``flow`` and
``structure``); ``unify`` (over ``wiring``, ``members``, ``chains``, ``branches``, ``loops``, each a layer) finds one
skeleton for all uses of a
block, kept in ``templates``; ``solver`` (over ``arguments``) finds the formulas, ``series`` the loops, ``settle`` the
local variables; ``algebra`` computes with formulas.
"""
