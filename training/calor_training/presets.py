"""The recipes. A preset and a seed decide a run completely, up to rounding."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    name: str
    purpose: str  # "super-resolution", "residual-shift" or "enhancement"
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
    optimiser: str = "adam"  # or "muon" for the trunk's convolutions, with Adam for the rest
    decay: float = 1.0  # share of the steps, at the end, over which the rate falls to zero by a cosine; 0: constant
    family: str = "exact"  # of the pairs for super-resolution: or "camera"
    soft: float = 0.0  # share of the patches from images that were enlarged before they were reduced
    pairs: bool = False  # also train on the infrared half of train/pairs
    camera: float = 0.0  # share of the steps of a residual-shift preset that use the camera's pairs
    gathered: bool = False  # learns from gather.py's images too
    rms: float = 0.0  # share of the steps, at the end, with the root of each patch's mean square as loss
    shares: tuple[tuple[str, float], ...] = ()  # of the patches, for images whose names begin so; the others share the rest

    @property
    def channels(self) -> int:
        return 3 if self.kind == "rgb" else 1

    @property
    def multiple(self) -> int:
        """Input sides must be multiples of this."""
        return 2 if self.scale == 1 else 1


ROADS = ("m3fd", 0.35), ("roadscene", 0.25)  # shares for the two sets of street scenes

PRESETS = {
    preset.name: preset
    for preset in [
        Preset("ir-x4-first", "super-resolution", "infrared", 4, width=48, blocks=8, patch=40, batch=16, steps=6000),
        Preset("ir-x4-second", "super-resolution", "infrared", 4, width=48, blocks=8, patch=72, batch=5, steps=1500,
               rate=8e-4, warmup=20, start_from="ir-x4-first", seed=3, optimiser="muon", soft=0.1, pairs=True, gathered=True,
               rms=0.7, shares=ROADS),
        Preset("ir-x4", "super-resolution", "infrared", 4, width=48, blocks=8, patch=64, batch=6, steps=10000, rate=1e-3,
               warmup=100, start_from="ir-x4-second", seed=4, optimiser="muon", soft=0.1, pairs=True, gathered=True,
               rms=1, shares=ROADS),
        Preset("ir-x4-grown", "super-resolution", "infrared", 4, width=64, blocks=16, patch=48, batch=10, steps=1446,
               rate=1e-3, warmup=50, start_from="ir-x4-first", optimiser="muon", decay=0, soft=0.5, pairs=True),
        Preset("ir-x4-best-first", "super-resolution", "infrared", 4, width=64, blocks=16, patch=48, batch=10, steps=2800,
               rate=1e-3, warmup=50, start_from="ir-x4-grown", optimiser="muon", soft=0.2, pairs=True, rms=0.4),
        Preset("ir-x4-best-second", "super-resolution", "infrared", 4, width=64, blocks=16, patch=48, batch=10, steps=1700,
               rate=8e-4, warmup=20, start_from="ir-x4-best-first", seed=2, optimiser="muon", soft=0.2, pairs=True, gathered=True,
               rms=0.6),
        Preset("ir-x4-best-third", "super-resolution", "infrared", 4, width=64, blocks=16, patch=72, batch=5, steps=2400,
               rate=7e-4, warmup=20, start_from="ir-x4-best-second", seed=3, optimiser="muon", soft=0.1, pairs=True,
               gathered=True, rms=0.7, shares=ROADS),
        Preset("ir-x4-best", "super-resolution", "infrared", 4, width=64, blocks=16, patch=64, batch=6, steps=7650, rate=1e-3,
               warmup=100, start_from="ir-x4-best-third", seed=4, optimiser="muon", soft=0.1, pairs=True, gathered=True,
               rms=1, shares=ROADS),
        Preset("ir-x4-camera", "super-resolution", "infrared", 4, width=48, blocks=8, patch=48, batch=12, steps=1500,
               rate=1e-3, warmup=20, start_from="ir-x4-first", optimiser="muon", family="camera"),
        Preset("ir-x4-shift", "residual-shift", "infrared", 4, width=64, blocks=16, patch=48, batch=10, steps=1300,
               rate=5e-4, start_from="ir-x4-best-first", optimiser="muon", decay=0.7, soft=0.5, pairs=True, camera=0.5),
        Preset("ir-x4-one-step", "residual-shift", "infrared", 4, width=64, blocks=16, patch=48, batch=8, steps=3000,
               rate=2e-4, start_from="ir-x4-shift", optimiser="muon"),
        Preset("ir-x2", "super-resolution", "infrared", 2, width=48, blocks=8, patch=64, batch=6, steps=6000, rate=1e-3,
               warmup=100, start_from="ir-x4-second", seed=2, optimiser="muon", soft=0.1, pairs=True, gathered=True, rms=1,
               shares=ROADS),
        Preset("ir-x2-best", "super-resolution", "infrared", 2, width=64, blocks=16, patch=64, batch=6, steps=4000, rate=1e-3,
               warmup=100, start_from="ir-x4-best", seed=2, optimiser="muon", soft=0.1, pairs=True, gathered=True, rms=1,
               shares=ROADS),
        Preset("enhance-rgb-first", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=3000),
        Preset("enhance-rgb-second", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=900, rate=7e-4,
               warmup=20, start_from="enhance-rgb-first", optimiser="muon", rms=0.5),
        Preset("enhance-rgb-third", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=1800, rate=7e-4,
               warmup=20, start_from="enhance-rgb-second", seed=3, optimiser="muon", rms=0.5),
        Preset("enhance-rgb-fourth", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=1700, rate=7e-4,
               warmup=20, start_from="enhance-rgb-third", seed=4, optimiser="muon", rms=0.5),
        Preset("enhance-rgb-fifth", "enhancement", "rgb", 1, width=64, blocks=10, patch=64, batch=16, steps=12000, rate=8e-4,
               warmup=20, start_from="enhance-rgb-fourth", seed=5, optimiser="muon", rms=0.5),
        Preset("enhance-rgb", "enhancement", "rgb", 1, width=64, blocks=12, patch=96, batch=8, steps=12000, rate=8e-4,
               warmup=50, start_from="enhance-rgb-fifth", seed=6, optimiser="muon", rms=0.6, gathered=True),
        Preset("enhance-ir-first", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=700,
               rate=5e-4, warmup=30, start_from="enhance-rgb-first"),
        Preset("enhance-ir-second", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=1600, rate=8e-4,
               warmup=20, start_from="enhance-ir-first", optimiser="muon", rms=0.5),
        Preset("enhance-ir-third", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=1600, rate=8e-4,
               warmup=20, start_from="enhance-ir-second", seed=2, optimiser="muon", rms=0.5),
        Preset("enhance-ir-fourth", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=1600, rate=8e-4,
               warmup=20, start_from="enhance-ir-third", seed=3, optimiser="muon", rms=0.5),
        Preset("enhance-ir", "enhancement", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=8000, rate=1e-3,
               warmup=100, start_from="enhance-ir-fourth", seed=4, optimiser="muon", gathered=True, rms=1),
        Preset("enhance-ir-shift", "residual-shift", "infrared", 1, width=64, blocks=10, patch=96, batch=8, steps=3000,
               rate=5e-4, start_from="enhance-ir-fourth", optimiser="muon", decay=0.7),
        Preset("enhance-rgb-shift", "residual-shift", "rgb", 1, width=64, blocks=10, patch=96, batch=8, steps=3000,
               rate=5e-4, start_from="enhance-rgb-fifth", optimiser="muon", decay=0.7),
        Preset("ir-x4-distilled", "residual-shift", "infrared", 4, width=64, blocks=16, patch=48, batch=8, steps=2400,
               rate=2e-4, start_from="ir-x4-shift", seed=2, soft=0.2, pairs=True, gathered=True),
        Preset("ir-x4-best-distilled", "residual-shift", "infrared", 4, width=64, blocks=16, patch=48, batch=8, steps=1900,
               rate=3e-4, start_from="ir-x4-best", seed=3, soft=0.1, pairs=True, gathered=True, shares=ROADS),
        Preset("enhance-ir-distilled", "residual-shift", "infrared", 1, width=64, blocks=10, patch=96, batch=8,
               steps=3000, rate=2e-4, start_from="enhance-ir-shift"),
        Preset("enhance-rgb-distilled", "residual-shift", "rgb", 1, width=64, blocks=10, patch=96, batch=8, steps=3000,
               rate=2e-4, start_from="enhance-rgb-shift"),
    ]
}
