"""What the compiler is given of q_sample, as `test_ahead_of_time.Kernel` says."""

from __future__ import annotations

from course_utils.kernels import q_sample as module

KERNELS = {
    "q_sample": dict(
        function=module.q_sample_kernel,
        arguments="*D:16 *i64:16 *D:16 *fp32:16 *fp32:16 *D:16 i32:16 i32:16 i32:16",
        constants={"BLOCK": module.BLOCK},
        elements=module.BLOCK, loads=2, stores=1),
}
