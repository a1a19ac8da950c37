"""The structure of a spec file: its keys and the values each may have."""

from archspec.schema.files import LANGUAGE_VERSION, BlockDefinition, SpecFile, parse_file
from archspec.schema.models import BlockModel, SpecModel
from archspec.schema.steps import IDENTIFIER, STEP_KEYS, Source, Step, bare, parse_step, parse_steps

__all__ = [
    "IDENTIFIER",
    "LANGUAGE_VERSION",
    "STEP_KEYS",
    "BlockDefinition",
    "BlockModel",
    "Source",
    "SpecFile",
    "SpecModel",
    "Step",
    "bare",
    "parse_file",
    "parse_step",
    "parse_steps",
]
