"""Files of arrays that exist wholly or not at all."""

import os
import tempfile
from pathlib import Path

import numpy as np


def write_shard(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes beside the file, then renames."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        np.savez(stream, **arrays)
    os.replace(temporary, file)
