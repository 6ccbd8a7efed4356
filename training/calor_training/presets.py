"""The four recipes. A preset and a seed decide a run completely, up to rounding."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    name: str
    purpose: str  # "super-resolution" or "enhancement"
    kind: str  # "infrared" or "rgb"
    scale: int
    width: int  # channels of the trunk
    blocks: int  # residual blocks
    patch: int  # side of a network input patch in training, pixels
    batch: int
    steps: int
    rate: float = 1e-3
    warmup: int = 100
    start_from: str | None = None  # preset whose weights initialise this one
    seed: int = 1

    @property
    def channels(self) -> int:
        return 3 if self.kind == "rgb" else 1

    @property
    def multiple(self) -> int:
        """Input sides must be multiples of this."""
        return 2 if self.purpose == "enhancement" else 1


PRESETS = {
    preset.name: preset
    for preset in [
        Preset("ir-x4", "super-resolution", "infrared", 4, width=48, blocks=8, patch=40, batch=16, steps=6000),
        Preset("ir-x2", "super-resolution", "infrared", 2, width=48, blocks=8, patch=40, batch=16, steps=300,
               rate=5e-4, warmup=30, start_from="ir-x4"),
        Preset("enhance-rgb", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=3000),
        Preset("enhance-ir", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=700,
               rate=5e-4, warmup=30, start_from="enhance-rgb"),
    ]
}
