"""The machines that a training runs on: how many devices, how they share the work, in which precision.

None of it changes what is learnt but for rounding.  Imports no torch.
"""

from __future__ import annotations

import os
from typing import Literal

from archspec.records import record

Strategy = Literal["auto", "ddp", "fsdp"]
Precision = Literal["32", "bf16-mixed", "16-mixed"]


@record
class Machine:
    """Devices and how they are used.

    ``devices`` on each of ``nodes`` machines share each step's images.  ``accumulate`` takes a step's images in so many
    portions one after another, for less memory.  ``sync_batch_norm`` normalises over the images of all devices.
    """

    devices: int | None = None
    """None for one device, or under torchrun as many as it has started."""
    nodes: int = 1
    strategy: Strategy = "auto"
    precision: Precision = "32"
    accumulate: int = 1
    compile: bool = False
    channels_last: bool = False
    sync_batch_norm: bool = False

    @property
    def local(self) -> int:
        """The number of devices on each machine."""
        if self.devices is not None:
            return self.devices
        started = os.environ.get("LOCAL_WORLD_SIZE", "1") if "TORCHELASTIC_RUN_ID" in os.environ else "1"
        return int(started) if started.isdecimal() else 1

    @property
    def alone(self) -> bool:
        """Whether one process trains."""
        return self.local == 1 and self.nodes == 1


ONE = Machine()
"""One device."""


def rank() -> int:
    """The number of this process among those that train together, from 0; it is known before they have met.

    Only the first one writes and speaks.
    """
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    return int(getattr(rank_zero_only, "rank", None) or 0)
