"""What the compiler is given of guided_step, as `test_ahead_of_time.Kernel` says."""

from __future__ import annotations

from course_utils.kernels import guided_step as module

KERNELS = {
    "guided_step": dict(
        function=module.guided_step_kernel,
        arguments="*D:16 *D:16 *D:16 *D:16 *fp32 *i64 *D:16 i64:16 fp32",
        constants={"GUIDED": True, "REMEMBER": False, "CLAMP": True, "BLOCK": module.BLOCK},
        elements=module.BLOCK, loads=3, stores=1),
    "guided_step, remembering": dict(
        function=module.guided_step_kernel,
        arguments="*D:16 *D:16 *D:16 *D:16 *fp32 *i64 *D:16 i64:16 fp32",
        constants={"GUIDED": True, "REMEMBER": True, "CLAMP": True, "BLOCK": module.BLOCK},
        elements=module.BLOCK, loads=4, stores=2),
}
