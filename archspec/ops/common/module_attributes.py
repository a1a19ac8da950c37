"""The attributes of torch's modules: a step with such a name would shadow one.

They are listed here because nothing in this package imports torch; a test compares them with torch.
"""

from __future__ import annotations

MODULE_ATTRIBUTES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu
    load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train training type xpu zero_grad""".split()  # noqa: SIM905
)
"""Attributes of every ``nn.Module``."""

LIST_ATTRIBUTES = frozenset({"append", "extend", "insert", "pop"})
"""Further attributes of ``nn.Sequential``."""

TRACED_ATTRIBUTES = frozenset({"code", "graph"})
"""Names in the modules that torch.export and torch.fx make; a step with such a name breaks them."""
