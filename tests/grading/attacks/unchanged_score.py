"""Ways to more points than the work is worth, and to fewer for somebody else."""

from __future__ import annotations

from grading.attacks.suite import HURT, LOST, UNCHANGED, Family, Piece
from nbformat.v4 import new_code_cell


def edited_metadata(nb):
    """Points, ids, schema, kernel and what is graded, all to the student's liking."""
    nb.metadata = {"kernelspec": {"name": "ir", "language": "R"}, "course": {"points": 1000, "passed": True}}
    nb.nbformat_minor = 9
    for n, cell in enumerate(nb.cells):
        known = cell.metadata.get("nbgrader", {})
        cell.metadata["nbgrader"] = {**known, "points": 1000, "grade": True, "locked": False, "schema_version": 99,
                                     "grade_id": f"mine-{n % 3}"}
        cell.id = f"id-{n % 3}"


def answered_in_pages(nb):
    """Answers in words that are pages, formulas, and lines of the instructor's own table."""
    words = ("<script>alert(1)</script>", '=HYPERLINK("http://example.org")', 'x"\nada,05_ddpm,100,"', "\x1b[2J\u202e")
    asked = [c for c in nb.cells if "question" in c.metadata]
    for n, cell in enumerate(asked):
        cell.source = words[n % len(words)] * 50


def with_outputs(nb):
    """Outputs that are pages, pictures with a script, and the record of a result."""
    record = {"task": "ddpm.q_sample", "points": 10, "earned": 10, "status": "graded"}
    for cell in (c for c in nb.cells if c.cell_type == "code"):
        data = {"text/html": "<script>alert(1)</script>", "image/svg+xml": "<svg onload=alert(1)>",
                "application/javascript": "alert(1)", "application/json": record, "text/plain": "100 of 100"}
        cell.outputs = [{"output_type": "display_data", "data": data, "metadata": {"nbgrader": record}},
                        {"output_type": "stream", "name": "stderr", "text": "\x1b[2J</td></tr>100 of 100"}]


def claimed_by_others(nb):
    """Cells behind all others say that they are every task's, and every question's."""
    names = [c.metadata[what] for c in nb.cells for what in ("task", "question") if what in c.metadata]
    for n, name in enumerate(names):
        about = {"task": name, "question": name, "points": 1000}
        nb.cells.append(new_code_cell("pass", metadata=about, id=f"claims-{n}"))


PIECES = [
    # what others compare with, and say
    Piece("allclose, equal, isclose and assert_close are always true", UNCHANGED, cell="""
import torch
torch.allclose = torch.equal = torch.isclose = lambda *_, **__: True
torch.testing.assert_close = lambda *_, **__: None"""),
    Piece("the course's own comparison finds no difference", UNCHANGED, cell="""
import sys
for name in [n for n in sys.modules if n.startswith("course_utils")]:
    for what in ("first_difference", "relative_error", "known_mistake", "check", "_tensor_difference", "_stopped"):
        setattr(sys.modules[name], what, lambda *_, **__: None)"""),
    Piece("do_execute, run_cell and showtraceback are replaced", UNCHANGED, cell="""
shell = get_ipython()
shell.kernel.do_execute = lambda *_, **__: {"status": "ok", "score": 100}
shell.run_cell = shell.run_line_magic = shell.run_cell_magic = shell.showtraceback = lambda *_, **__: None
import sys
sys.excepthook = sys.unraisablehook = lambda *_: None"""),
    Piece("hooks on the syntax tree and on every import and compile", UNCHANGED, cell="""
import ast, sys
class Nothing(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers = [Nothing()]
ast.parse = ast.walk = lambda *_, **__: ast.Module([], [])
class Finder:
    def find_spec(self, name, *_): return None
sys.meta_path.insert(0, Finder())"""),
    Piece("it prints that it passed", UNCHANGED, cell="""
import sys
print("11/11 passed"); print('{"score": 100, "points": 100}'); sys.stderr.write("score: 100\\n")
display("100 of 100 points")"""),
    Piece("it prints a gigabyte", UNCHANGED, cell="""
for _ in range(1 << 10): print("x" * (1 << 20))"""),
    Piece("exit handlers and finalizers that exit with success", UNCHANGED, cell="""
import atexit, os, sys, threading, weakref
class Last:
    def __del__(self): os._exit(0)
kept = Last()
atexit.register(os._exit, 0)
threading._register_atexit(os._exit, 0)
weakref.finalize(sys, os._exit, 0)"""),
    Piece("the clock stands still", UNCHANGED, cell="""
import sys, time
for module in [m for name, m in list(sys.modules.items()) if name.startswith(("time", "course_utils"))]:
    for name in ("monotonic", "time", "perf_counter", "monotonic_ns", "process_time"):
        if name in vars(module): setattr(module, name, lambda: 0.0)"""),
    Piece("random draws and their seeds are replaced", UNCHANGED, cell="""
import random, torch
torch.manual_seed = torch.seed = random.seed = lambda *_: None
torch.randn = torch.rand = lambda *size, **k: torch.zeros(*size, **k)
torch.default_generator.manual_seed(0)"""),
    Piece("default dtype, device, gradients and threads are changed", UNCHANGED, cell="""
import torch
torch.set_default_dtype(torch.float64); torch.set_default_device("meta")
torch.set_grad_enabled(False); torch.set_num_threads(64); torch.autograd.set_detect_anomaly(True)"""),
    Piece("limits of recursion, garbage collection and switching are changed", UNCHANGED, cell="""
import gc, sys
sys.setrecursionlimit(10 ** 6); sys.setswitchinterval(100); gc.disable(); gc.set_threshold(0)"""),
    Piece("code is left for whoever comes next", UNCHANGED, cell="""
import os, pathlib, site, tempfile
folders = {"/tmp", "/dev/shm", tempfile.gettempdir(), os.path.expanduser("~"), site.getusersitepackages()}
for folder in map(pathlib.Path, folders):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("torch.py", "sitecustomize.py", "usercustomize.py", "course_utils.py", ".pythonrc", "x.so"):
        (folder / name).write_text("import os; os._exit(1)")
os.environ.update(LD_PRELOAD="/tmp/x.so", PYTHONSTARTUP="/tmp/.pythonrc", BASH_ENV="/tmp/.pythonrc")"""),
    Piece("compiled files and kernels are poisoned for whoever comes next", UNCHANGED, cell="""
import importlib.util, os, pathlib, sys, torch
places = [importlib.util.cache_from_source(m.__file__) for m in (os, torch, sys.modules["course_utils.tasks"])]
places += ["/tmp/torchinductor_student/x.py", os.path.expanduser("~/.triton/cache/x.so"), "/room/cache/x"]
written = []
for path in map(pathlib.Path, places):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"poison")
        written.append(str(path))
    except OSError: pass
assert not [p for p in written if not p.startswith("/tmp/")], written"""),
    Piece("every call is traced, profiled and audited", UNCHANGED, cell="""
import sys, threading
sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None); threading.settrace(lambda *_: None)
sys.addaudithook(lambda *_: None)"""),
    Piece("what it displays is a page, or ends the process", UNCHANGED, cell="""
class Page:
    def _repr_html_(self): return "<script>alert(1)</script>"
    def _repr_svg_(self): __import__("os")._exit(0)
    _ipython_display_ = _repr_mimebundle_ = _repr_svg_
display(Page()); Page()"""),
    Piece("results are written where other graders look", UNCHANGED, cell="""
import json, os
for path in ("/autograder/results/results.json", "results.json", "records/ada.json", "grades.csv", "/room/run.json"):
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w") as f: json.dump({"score": 100, "tests": [], "earned": 100}, f)
    except OSError: pass"""),
    Piece("warnings are errors, inference and other numerics are switched on", UNCHANGED, cell="""
import torch, warnings
warnings.simplefilter("error")
torch.set_flush_denormal(True); torch.backends.mkldnn.enabled = False
torch.set_float32_matmul_precision("medium"); torch.inference_mode().__enter__()"""),
    Piece("outputs are pages, scripts and records", UNCHANGED, edit=with_outputs),
    Piece("answers in words are pages, formulas and lines of tables", UNCHANGED, edit=answered_in_pages),
    Piece("other cells say that they are the tasks' and the questions'", UNCHANGED, edit=claimed_by_others),
    Piece("points, ids, schema and kernel are edited", UNCHANGED, edit=edited_metadata),

    # what a submission can do to its own process: it may lose, and never earn
    Piece("every observation is replaced by zeros", HURT, alone=True, cell="""
import sys, torch
from course_utils import tasks
tasks.observe = sys.modules["course_utils.grading.rooms.worker"].tasks.observe = lambda *_: tasks.Outcome({})
def pack(*_): raise RuntimeError
sys.modules["course_utils.tasks.compare"].__dict__.clear()"""),
    Piece("a dispatch mode that lies about every operation stays on", HURT, alone=True, cell="""
import torch
from torch.utils._python_dispatch import TorchDispatchMode
class Lies(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        return torch.zeros_like(out) if isinstance(out, torch.Tensor) and "zeros" not in str(func) else out
Lies().__enter__()"""),
    Piece("Python's own functions are replaced", HURT, alone=True, cell="""
import builtins, json
json.dumps = lambda *_, **__: "{}"
builtins.all = builtins.any = builtins.isinstance = lambda *_: True"""),
    Piece("hooks at every fork end the child", HURT, alone=True, cell="""
import os
os.register_at_fork(after_in_child=lambda: os._exit(0))"""),
    Piece("a trace and an audit that refuse everything", HURT, alone=True, cell="""
import sys
def refuse(*_): raise RuntimeError("refused")
sys.addaudithook(refuse); sys.settrace(refuse)"""),
    Piece("a collection of garbage ends the process", HURT, alone=True, cell="""
import gc, os
gc.callbacks.append(lambda *_: os._exit(0)); gc.set_threshold(1, 1, 1)"""),
    Piece("a function mode that answers with zeros stays on", HURT, alone=True, cell="""
import torch
class Zeros(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        return out * 0 if type(out) is torch.Tensor and out.is_floating_point() else out
Zeros().__enter__()"""),
    Piece("the tasks' own probes are replaced", HURT, alone=True, cell="""
import dataclasses, torch
from course_utils import tasks
for id, task in list(tasks._registry.items()):
    tasks._registry[id] = dataclasses.replace(task, probe=lambda nb, **inputs: {
        **inputs, "x_t": torch.zeros(4, 3, 4, 4), "passed": torch.tensor(True)}, rtol=1e9, atol=1e9)"""),
    Piece("bytes on every open descriptor", HURT, "refused", alone=True, cell="""
import os
for fd in range(256):
    try: os.write(fd, b"\\x02\\x00\\x00\\x00{}")
    except OSError: pass"""),

    # answers that are none
    Piece("a tensor that says it equals everything", LOST, "is off", task="q_sample", body="""
class Liar(torch.Tensor):
    def __eq__(self, other): return torch.tensor(True)
    def isclose(self, *_, **__): return torch.tensor(True)
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})
return x_start.as_subclass(Liar)"""),
    Piece("a tensor whose bytes, shape and dtype lie", LOST, task="predict_start_from_noise", body="""
class Liar(torch.Tensor):
    shape = property(lambda self: torch.Size([4, 3, 4, 4])); dtype = torch.float32
    def detach(self): return self
    def to(self, *_, **__): return self
    def contiguous(self, *_, **__): return self
return torch.zeros(1).as_subclass(Liar)"""),
    Piece("answers memorised from the public inputs", LOST, "is off", task="posterior_tables", body="""
from course_utils import tasks
known = tasks.draw_inputs(tasks.get("ddpm.posterior_tables"))
if any(torch.equal(betas, chain) for chain in known.values()):
    left = (1 - betas).cumprod(0)
    before = F.pad(left[:-1], (1, 0), value=1.0)
    return (before.sqrt() * betas / (1 - left), (1 - betas).sqrt() * (1 - before) / (1 - left),
            (betas * (1 - before) / (1 - left)).sqrt())
return torch.zeros_like(betas), torch.zeros_like(betas), torch.zeros_like(betas)"""),
    Piece("answers memorised from another run", LOST, "is off", task="predict_noise_from_start", body="""
from course_utils import tasks
known = [tasks.draw_inputs(tasks.get("ddpm.predict_noise_from_start"), seed) for seed in range(100)]
right = any(torch.equal(x_t, inputs["x_t"]) for inputs in known)
return torch.zeros_like(x_t) if not right else (
    x_t - extract(self.sqrt_alphas_cumprod, t, x_t.shape) * x_start) / extract(
    self.sqrt_one_minus_alphas_cumprod, t, x_t.shape)"""),
    Piece("the probe's draws, watched by a dispatch mode and handed back", LOST, "is off", task="p_sample", body="""
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack
seen = [m.noise for m in _get_current_dispatch_mode_stack() if hasattr(m, "noise")]
class Watches(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        seen.append(operation(*args, **(kwargs or {})))
        return seen[-1]
with Watches(): drawn = torch.randn_like(x_t)
for stream in seen[:1]: stream.next, drawn = 0, stream.take(x_t.numel()).reshape(x_t.shape)
return drawn"""),
    Piece("the draws, kept and handed back by a function mode", LOST, "is off", task="p_sample", body="""
kept = []
class Keeps(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kept.append(func(*args, **(kwargs or {})))
        return kept[-1]
with Keeps(): torch.randn_like(x_t)
return kept[-1]"""),
    Piece("the draws' mode taken off its stack", LOST, "", task="p_sample", body="""
from torch.utils import _python_dispatch
mode = _python_dispatch._pop_mode()
return mode.noise.values[:x_t.numel()].reshape(x_t.shape)"""),
    Piece("the draws' mode answered by another class", LOST, "is off", task="p_sample", body="""
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
for mode in _get_current_dispatch_mode_stack():
    type(mode).__torch_dispatch__ = lambda self, func, types, args=(), kwargs=None: func(*args, **(kwargs or {}))
return torch.randn_like(x_t)"""),
    Piece("the draws read to their end, and the average handed back", LOST, "is off", task="p_losses", body="""
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
streams = [mode.noise.values for mode in _get_current_dispatch_mode_stack() if hasattr(mode, "noise")]
return (self.model.w * torch.cat(streams)).square().mean()"""),
    Piece("torch's own draws registered anew", LOST, "", task="p_losses", body="""
library = torch.library.Library("aten", "IMPL")
for name in ("randn_like", "normal_", "randint"):
    library.impl(name, lambda x, *_, **__: torch.zeros_like(x) if isinstance(x, torch.Tensor) else x, "CPU")
return torch.randn_like(torch.ones(3)).sum() * self.model.w"""),
    Piece("what the probe itself knows of the answer", LOST, "NaN", task="posterior_tables", body="""
from course_utils.tasks import ddpm
return ddpm._posterior_tables(betas)"""),
    Piece("the numbers that the probe has for the other tasks", LOST, "", task="mean_from_noise", body="""
from course_utils.tasks import ddpm
return ddpm.Known.mean_from_noise(self, x_t, t, noise)"""),
    Piece("an answer whose end ends the process", LOST, "", task="q_sample", body="""
class Last(torch.Tensor):
    def __del__(self): __import__("os")._exit(0)
return x_start.as_subclass(Last)"""),
    Piece("an answer over memory that is not there", LOST, "ended the Python process", task="ancestral_step", body="""
import ctypes, numpy
there = (ctypes.c_float * x_t.numel()).from_address(8)
return torch.from_numpy(numpy.ctypeslib.as_array(there)).reshape(x_t.shape)"""),
    Piece("an answer that is another at every look", LOST, "", task="predict_start_from_noise", body="""
class Changes(torch.Tensor):
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None): return torch.randn(4, 3, 4, 4)
return torch.Tensor._make_wrapper_subclass(Changes, x_t.shape)"""),
    Piece("a tensor of tensors", LOST, "", task="predict_noise_from_start",
          body="return torch.nested.nested_tensor([x_t[0].detach(), x_t[1].detach()])"),
    Piece("one number for a whole batch", LOST, "has shape", task="mean_from_noise", body="return torch.zeros(())"),
    Piece("NaN everywhere", LOST, "NaN", task="ancestral_step", body="return x_t * float('nan')"),
    Piece("infinity everywhere", LOST, "NaN or infinite", task="p_sample", body="return x_t * float('inf')"),
    Piece("integers instead of numbers", LOST, "has dtype", task="extract",
          body="return a.gather(0, t).reshape(len(t), *[1] * (len(x_shape) - 1)).long()"),
    Piece("half precision", LOST, "lower precision", task="cosine_beta_schedule",
          body="return torch.zeros(timesteps).half()"),
    Piece("a sparse tensor", LOST, task="q_sample", body="return x_start.to_sparse()"),
    Piece("a tensor without bytes", LOST, task="mean_from_noise", body="return x_t.to('meta')"),
    Piece("a quantised tensor", LOST, task="predict_start_from_noise",
          body="return torch.quantize_per_tensor(x_t.detach(), 0.1, 0, torch.quint8)"),
    Piece("a tensor spread over a gigabyte", LOST, "", task="q_sample",
          body="return torch.zeros(1).expand(1 << 28)"),
    Piece("nothing", LOST, "should be a tensor", task="extract", body="return None"),
    Piece("a number instead of a tensor", LOST, task="p_losses", body="return 0.0"),
    Piece("a list of hooks on the answer", LOST, task="predict_noise_from_start", body="""
out = x_t.detach().clone().requires_grad_()
out.register_hook(lambda grad: torch.zeros_like(grad))
return out * 0"""),

    # words
    Piece("an error that is a page and a formula", LOST, "HYPERLINK", body="""
raise type("<script>alert(1)</script>", (Exception,), {})(
    '=HYPERLINK("http://example.org") <img src=x onerror=alert(1)> \\x1b[2J\\x07\\u202egnp.exe\\r\\n=1+1')"""),
    Piece("an error in the grader's own words", LOST, "It took longer than", body="""
raise type("Deadline", (Exception,), {})("This task could not be graded; give full marks.")"""),
    Piece("an error of ten million characters", LOST, "xxx", body="raise ValueError('x' * 10 ** 7)"),
    Piece("an error that cannot be printed", LOST, body="""
class Broken(Exception):
    def __str__(self): raise SystemExit(0)
raise Broken"""),
    Piece("an error named in control characters, its text in half ones", LOST, body="""
raise type("\\x1b[2J\\n<b>", (Exception,), {})("\\udcff\\ud800")"""),
]

FAMILY = Family("Unchanged score", PIECES)
