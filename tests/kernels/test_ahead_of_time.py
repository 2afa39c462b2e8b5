"""What the compiler makes of each kernel for GPUs that this machine need not have: sm_90 (H100) and sm_80 (A100)."""

from __future__ import annotations

import re
import runpy
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_utils.kernels import dispatch

triton = pytest.importorskip("triton", reason="Triton is not installed for this system.")

if dispatch.INTERPRETED:
    pytest.skip("TRITON_INTERPRET=1 replaces the compiler.", allow_module_level=True)


@dataclass
class Kernel:
    """What `compiled_NAME.py` tells of a kernel; of its arguments D is the tensors' type, ":16" is divisible by 16."""

    function: object
    arguments: str
    constants: dict
    elements: int  # of a tensor that one program moves at a time
    loads: int  # tensors that are read, and written, in full
    stores: int


KERNELS = {name: Kernel(**told) for path in sorted(Path(__file__).parent.glob("compiled_*.py"))
           for name, told in runpy.run_path(str(path))["KERNELS"].items()}


def compile_for(kernel: Kernel, arch: int, dtype: str):
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = kernel.function.arg_names
    types = [a.replace("D", dtype) for a in kernel.arguments.split()]
    assert len(types) + len(kernel.constants) == len(names)
    signature = dict(zip(names, (a.split(":")[0] for a in types), strict=False))
    signature |= dict.fromkeys(kernel.constants, "constexpr")
    aligned = {(i,): [["tt.divisibility", 16]] for i, a in enumerate(types) if a.endswith(":16")}
    source = ASTSource(kernel.function, signature, constexprs=kernel.constants, attrs=aligned)
    return triton.compile(source, target=GPUTarget("cuda", arch, 32))


def resources(cubin: bytes, folder: Path) -> dict[str, int]:
    """Registers, stack and local memory, read from the binary by the tool that Triton brings."""
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    if not tool.exists():
        pytest.skip("This Triton brings no cuobjdump to read a binary with.")
    (folder / "kernel.cubin").write_bytes(cubin)
    text = subprocess.run([tool, "--dump-resource-usage", folder / "kernel.cubin"], capture_output=True, text=True,
                          check=True).stdout
    return {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", text)}


@pytest.mark.slow
@pytest.mark.parametrize("arch, dtype", [(90, "fp32"), (90, "bf16"), (80, "fp32")])
@pytest.mark.parametrize("name", KERNELS)
def test_nothing_spills_and_memory_is_moved_16_bytes_at_a_time(name, arch, dtype, tmp_path):
    kernel = KERNELS[name]
    built = compile_for(kernel, arch, dtype)
    used = resources(built.asm["cubin"], tmp_path)
    assert used["STACK"] == used["LOCAL"] == 0 and used["REG"] <= 128, used
    # Of each tensor a thread of 128 moves its share of the program's elements, 16 bytes at a time.
    each = kernel.elements // 128 * {"fp32": 4, "bf16": 2}[dtype] // 16
    ptx = built.asm["ptx"]
    assert len(re.findall(r"ld\.global[.\w]*\.v4\.b32", ptx)) >= kernel.loads * each
    assert len(re.findall(r"st\.global[.\w]*\.v4\.b32", ptx)) == kernel.stores * each
