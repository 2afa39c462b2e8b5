"""What the compiler is given of reparameterize_kl, as `test_ahead_of_time.Kernel` says."""

from __future__ import annotations

from course_utils.kernels import reparameterize_kl as module

KERNELS = {
    "reparameterize_kl": dict(
        function=module.forward_kernel,
        arguments="*D:16 *D:16 *i64 *D:16 *fp32:16 i32 i32:16 i32:16 i32:16",
        constants={"ROWS": 1, "COLS": module.TILE},
        elements=module.TILE, loads=2, stores=1),
    "reparameterize_kl backward": dict(
        function=module.backward_kernel,
        arguments="*D:16 *D:16 *i64 *D:16 *fp32:16 *D:16 *D:16 i32 i32:16 i32:16 i32:16",
        constants={"ROWS": 1, "COLS": module.TILE},
        elements=module.TILE, loads=3, stores=2),
}
