"""Expressions in ``$name``, ``$(…)``, ``when:`` and ``for:``, parsed and evaluated here, never by Python.

The language is a subset of Python's expressions.  It leaves out whatever could run long, reach into objects or
surprise a reader.  It knows nothing of ops or blocks, and of YAML only the scalar that contains a template.
"""

from archspec.expressions.budget import Budget, Work
from archspec.expressions.evaluator import evaluate, interpolate, iterate
from archspec.expressions.functions import FUNCTIONS
from archspec.expressions.names import free_mentions, free_names
from archspec.expressions.parser import parse, parse_clause
from archspec.expressions.printer import number_text, to_python
from archspec.expressions.templates import template
from archspec.expressions.tokens import Token, tokenize
from archspec.expressions.tree import Clause, Expression, Interpolation
from archspec.expressions.values import Record, kind

__all__ = [
    "FUNCTIONS",
    "Budget",
    "Clause",
    "Expression",
    "Interpolation",
    "Record",
    "Token",
    "Work",
    "evaluate",
    "free_mentions",
    "free_names",
    "interpolate",
    "iterate",
    "kind",
    "number_text",
    "parse",
    "parse_clause",
    "template",
    "to_python",
    "tokenize",
]
