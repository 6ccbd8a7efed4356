"""Passes the ONNX project's own operator cases that cases.txt pins through `calor model run`.

A case that is not in the package, that fails, or that is listed twice makes the run fail. With --all every other case of the package
is tried as well, and those that pass are shown: they may be pinned. With --opsets every case is also run as a model of the oldest (from 7)
and of the newest operator set in which its operators are defined as they are in the case.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

HERE = Path(__file__).resolve().parent
DATA = Path(onnx.__file__).parent / "backend/test/data"
GROUPS = ("node", "simple", "pytorch-operator", "pytorch-converted")
# The runner of ONNX takes 1e-3 and 1e-7; the inverse DFT has sums of f32 that cancel to zero, and half precision keeps three digits.
RELATIVE, RELATIVE_F16, ABSOLUTE = 1e-3, 1e-2, 1e-6


def pinned() -> list[str]:
    lines = (HERE / "cases.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def tensor(path: Path) -> np.ndarray:
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def numbered(folder: Path, kind: str) -> list[np.ndarray]:
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
    return [tensor(file) for file in files]


def difference(found: np.ndarray, expected: np.ndarray) -> str | None:
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return f"is {found.dtype} {found.shape}, not {expected.dtype} {expected.shape}"
    a, b = found.astype(np.float64), expected.astype(np.float64)
    relative = RELATIVE_F16 if expected.dtype == np.float16 else RELATIVE
    if np.allclose(a, b, rtol=relative, atol=ABSOLUTE, equal_nan=True):
        return None
    with np.errstate(invalid="ignore"):
        return f"differs by {np.nanmax(np.abs(a - b)):.2e}"


def same_opsets(model: onnx.ModelProto) -> list[int]:
    """The oldest and the newest operator set, other than the model's own, under which it means the same."""
    own = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))

    def means_the_same(version: int) -> bool:
        try:
            return all(
                onnx.defs.get_schema(node.op_type, version, "").since_version
                == onnx.defs.get_schema(node.op_type, own, "").since_version
                for node in model.graph.node
            )
        except onnx.defs.SchemaError:
            return False

    fitting = [v for v in range(7, onnx.defs.onnx_opset_version() + 1) if means_the_same(v)]
    return sorted({min(fitting), max(fitting)} - {own}) if fitting else []


def problem_of_any_opset(calor: str, case: str) -> str | None:
    path = DATA / case / "model.onnx"
    if not path.is_file():
        return f"is not in onnx {onnx.__version__}"
    model = onnx.load(path)
    with tempfile.TemporaryDirectory() as scratch:
        for version in same_opsets(model):
            for entry in model.opset_import:
                if entry.domain in ("", "ai.onnx"):
                    entry.version = version
            file = Path(scratch) / "model.onnx"
            onnx.save(model, file)
            wrong = problem(calor, case, file)
            if wrong:
                return f"as a model of operator set {version}: {wrong}"
    return problem(calor, case)


def problem(calor: str, case: str, model: Path | None = None) -> str | None:
    """What is wrong with a case, or nothing."""
    folder = DATA / case
    model = model or folder / "model.onnx"
    if not model.is_file():
        return f"is not in onnx {onnx.__version__}"
    graph = onnx.load(model).graph
    weights = {weight.name for weight in graph.initializer}
    feeds = [value.name for value in graph.input if value.name not in weights]
    sets = sorted(folder.glob("test_data_set_*"))
    if not sets:
        return "has no data"
    for data in sets:
        inputs, outputs = numbered(data, "input"), numbered(data, "output")
        if len(outputs) != len(graph.output):
            return f"has {len(outputs)} results for {len(graph.output)} outputs"
        with tempfile.TemporaryDirectory() as scratch:
            command = [calor, "model", "run", str(model), "--output-dir", scratch]
            for name, array in zip(feeds, inputs):
                file = f"{scratch}/in{len(command)}.npy"
                np.save(file, array)
                command += ["--input", f"{name}={file}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode:
                return f"ends with status {done.returncode}: {(done.stderr.strip().splitlines() or ['no message'])[0]}"
            for value, expected in zip(graph.output, outputs):
                file = Path(scratch) / f"{value.name}.npy"
                if not file.is_file():
                    return f"gives no {value.name}"
                wrong = difference(np.load(file), expected)
                if wrong:
                    return f"{value.name} {wrong}"
    return None


def guarded(calor: str, case: str, opsets: bool = False) -> str | None:
    try:
        return problem_of_any_opset(calor, case) if opsets else problem(calor, case)
    except subprocess.TimeoutExpired:
        return "takes more than two minutes"
    except Exception as error:  # a case that this script cannot read is a failed case
        return f"cannot be tried: {error!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calor", required=True, help="the program")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--all", action="store_true", help="try the cases that are not pinned as well")
    parser.add_argument("--opsets", action="store_true", help="run every case under other operator sets as well")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    cases = pinned()
    if len(set(cases)) != len(cases):
        sys.exit("cases.txt names a case twice")
    wanted = [case for case in cases if options.only in case]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda case: guarded(options.calor, case, options.opsets), wanted))
        if options.all:
            names = (f"{group}/{folder.name}" for group in GROUPS for folder in sorted((DATA / group).iterdir()))
            others = [name for name in names if name not in set(cases) and options.only in name]
            for case, wrong in zip(others, pool.map(lambda case: guarded(options.calor, case), others)):
                print(f"not pinned, {'passes' if wrong is None else 'fails'}: {case}{'' if wrong is None else ': ' + wrong}")
    failures = [(case, wrong) for case, wrong in zip(wanted, results) if wrong]
    for case, wrong in failures:
        print(f"FAIL {case}: {wrong}")
    print(f"{len(wanted) - len(failures)} passed, {len(failures)} failed")
    sys.exit(bool(failures) or not wanted)


if __name__ == "__main__":
    main()
