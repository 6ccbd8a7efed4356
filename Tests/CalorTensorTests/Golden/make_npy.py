"""Writes the .npy files that NPYTests reads: every element type in C and Fortran order, versions 1 to 3, empty and scalar arrays.

Usage: python make_npy.py FOLDER   (needs NumPy)
"""
import json
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
cases = {}
types = dict(f32="<f4", f64="<f8", f16="<f2", i8="|i1", i16="<i2", i32="<i4", i64="<i8", u8="|u1", u16="<u2", u32="<u4", u64="<u8", bool="|b1")
for name, descr in types.items():
    values = np.arange(24).reshape(2, 3, 4) % (2 if name == "bool" else 24)
    for order in "CF":
        cases[f"{name}{order}"] = (np.array(values, dtype=descr, order=order), (1, 0))
cases["scalar"] = (np.array(2.5, np.float32), (1, 0))
cases["empty"] = (np.zeros((2, 0, 3), np.int32), (1, 0))
cases["version2"] = (np.arange(5, dtype=np.int64), (2, 0))
cases["version3"] = (np.arange(5, dtype=np.int64), (3, 0))
index = []
for name, (array, version) in cases.items():
    with open(folder / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)
    dtype = next(k for k, v in types.items() if v == array.dtype.str)
    index.append({"file": f"{name}.npy", "dtype": dtype, "shape": list(array.shape), "values": array.astype(float).ravel().tolist()})
(folder / "npy.json").write_text(json.dumps(index, indent=0))
