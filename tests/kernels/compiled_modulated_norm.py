"""What the compiler is given of modulated_norm, as `test_ahead_of_time.Kernel` says."""

from __future__ import annotations

from course_utils.kernels import modulated_norm as module

KERNELS = {
    "modulated_norm": dict(
        function=module.forward_kernel,
        arguments="*D:16 *D:16 *D:16 *D:16 *D:16 i32:16 i32:16 i32:16",
        constants={"C": 64, "MODULATED": True, "ROWS": module.TILE // 64, "COLS": 64},
        elements=module.TILE, loads=1, stores=1),
    "modulated_norm backward": dict(
        function=module.backward_kernel,
        arguments="*D:16 *D:16 *D:16 *D:16 *D:16 *D:16 *fp32:16 *fp32:16 i32:16 i32:16 i32:16",
        constants={"C": 64, "MODULATED": True, "ROWS": module.TILE_BACKWARD // 64, "COLS": 64},
        elements=module.TILE_BACKWARD, loads=2, stores=1),
}
