"""The Python that `ahead` starts: it compiles the kernels it is told of on standard input and writes what they need.

It imports nothing of the course and no torch, so that it starts at once.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """One JSON object in, a list of one object for each job out."""
    order = json.load(sys.stdin)
    kernel = runpy.run_path(order["file"])[order["name"]]
    folder = Path(order["file"]).parent
    json.dump([compile_one(kernel, job, order["arch"], folder) for job in order["jobs"]], sys.stdout)


def compile_one(kernel: object, job: dict, arch: int, folder: Path) -> dict:
    """Registers, spilled bytes and PTX of a kernel for one set of constants."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    attrs = {(i,): [["tt.divisibility", 16]] for i in job["aligned"]}
    source = ASTSource(kernel, job["signature"], constexprs=job["constants"], attrs=attrs)
    made = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=job["options"])
    (folder / "kernel.cubin").write_bytes(made.asm["cubin"])
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    text = subprocess.run([tool, "--dump-resource-usage", folder / "kernel.cubin"], capture_output=True, text=True,
                          check=True).stdout
    used = {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", text)}
    return {"registers": used["REG"], "spilled": used["STACK"] + used["LOCAL"], "ptx": made.asm["ptx"]}


if __name__ == "__main__":
    try:
        main()
    except Exception as e:
        sys.exit(f"{type(e).__name__}: {' '.join(str(e).split())}")
