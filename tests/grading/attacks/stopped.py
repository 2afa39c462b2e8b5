"""What ends, hangs or bloats a process: it is stopped, and costs its own task, or its own submission, and no other."""

from __future__ import annotations

from grading.attacks.suite import HURT, LEFT_OUT, LOST, UNCHANGED, Family, Piece

from course_utils.grading.rooms.limits import Limits, MiB

SMALL = Limits(cell=8, probe=5, notebook=60, memory=512 * MiB, processes=24, scratch=16 * MiB)
OUT_OF_TIME, ENDED = "It took longer than 5 seconds.", "It ended the Python process."

IN_A_TASK = [
    # ends
    Piece("os._exit(0)", LOST, ENDED, body="import os; os._exit(0)"),
    Piece("SystemExit", LOST, "SystemExit", body="raise SystemExit(0)"),
    Piece("KeyboardInterrupt", LOST, "KeyboardInterrupt", body="raise KeyboardInterrupt"),
    Piece("a segmentation fault", LOST, ENDED, body="import ctypes; ctypes.string_at(0)"),
    Piece("abort", LOST, ENDED, body="import os; os.abort()"),
    Piece("its own SIGKILL", LOST, ENDED, body="import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    Piece("endless recursion", LOST, "RecursionError", body="return (lambda f: f(f))(lambda f: f(f))"),
    Piece("a stack that overflows in C", LOST, ENDED, body="""
import sys
sys.setrecursionlimit(1 << 30)
class A:
    def __getattr__(self, name): return repr(self)
    __repr__ = lambda self: self.x
return repr(A())"""),
    Piece("the interpreter's own objects overwritten", LOST, ENDED, body="""
import ctypes
ctypes.memset(id(type), 0, 400)
return [type(x) for x in (1, "a", [])]"""),
    Piece("a 32-bit system call", LOST, ENDED, body="""
import ctypes, mmap, os
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b836010000bb00000010cd80c3"))  # unshare(CLONE_NEWUSER) by int 0x80
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
os._exit(1)"""),

    # goes on, or reaches out
    Piece("a daemon of its own session in another program", LOST, "is off", task="q_sample", body="""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv("/usr/bin/sleep", ["grader", "600"])
    os._exit(0)
os.wait()
return x_start"""),
    Piece("signals to the room's first process", LOST, "sent", body="""
import os, signal
for s in range(1, 65):
    try: os.kill(1, s)
    except OSError: pass
raise RuntimeError("sent")"""),

    # bloats
    Piece("memory of one process", LOST, "", body="return torch.ones(1 << 31)"),
    Piece("memory in small pieces", LOST, "MemoryError", body="""
kept = []
while True: kept.append(bytearray(1 << 20))"""),
    Piece("memory of four children", LOST, "MemoryError", body="""
import os, time
for _ in range(4):
    if os.fork() == 0:
        kept = []
        try:
            while True: kept.append(b"x" * (1 << 20))
        except MemoryError: time.sleep(600)
time.sleep(1)
raise MemoryError"""),
    Piece("memory files", LOST, "PermissionError", body="import os; os.memfd_create('x')"),
    Piece("memory in the buffers of internet sockets", LOST, "PermissionError", body="""
import socket
kept, server = [], socket.create_server(("127.0.0.1", 0))
for _ in range(100):
    kept += [socket.create_connection(server.getsockname()), server.accept()[0]]
    for end in kept[-2:]:
        end.setblocking(False)
        try:
            while True: end.send(bytes(1 << 16))
        except BlockingIOError: pass
raise MemoryError"""),
    Piece("memory in the buffers of unix sockets", LOST, "", body="""
import socket
kept = []
for _ in range(60):
    kept += socket.socketpair()
    for end in kept[-2:]:
        end.setblocking(False)
        try:
            while True: end.send(bytes(1 << 16))
        except BlockingIOError: pass
raise MemoryError"""),
    Piece("memory in semaphores, and the machine's requests for input", LOST, "refused", body="""
import ctypes, os
libc, context = ctypes.CDLL(None, use_errno=True), ctypes.c_ulong()
made = [libc.semget(0, 32000, 0o600) for _ in range(100)]
number = {"x86_64": 206, "aarch64": 0}[os.uname().machine]
made += [libc.syscall(number, 65536, ctypes.byref(context))]
raise MemoryError("refused" if {*made} == {-1} else "made")"""),
    Piece("memory in the attributes of files", LOST, "refused", body="""
import os
try: os.setxattr("/tmp", b"user.x", bytes(60_000))
except OSError: raise RuntimeError("refused")"""),
    Piece("timers and queues without end", LOST, "few", body="""
import ctypes
libc, timer = ctypes.CDLL(None), ctypes.c_void_p()
made = sum(libc.timer_create(1, None, ctypes.byref(timer)) == 0 for _ in range(2000))
made += 2000 * (ctypes.CDLL("librt.so.1").mq_open(b"/queue", 0o102, 0o600, None) >= 0)
raise RuntimeError("few" if made <= 1000 else "many")"""),
    Piece("a full /dev/shm", LOST, "No space", body="""
for n in range(64):
    with open(f"/dev/shm/{n}", "wb") as f: f.write(bytes(1 << 20))"""),
    Piece("a full /tmp", LOST, "No space", body="""
for n in range(64):
    with open(f"/tmp/full-{n}", "wb") as f: f.write(bytes(1 << 20))"""),
    Piece("a file larger than allowed", LOST, "", body="""
import os
fd = os.open("/tmp/large", os.O_CREAT | os.O_RDWR)
os.posix_fallocate(fd, 0, 1 << 30)
raise RuntimeError('large')"""),
    Piece("processes without end", LOST, "BlockingIOError", body="""
import os, time
while True:
    if os.fork() == 0: time.sleep(600)"""),
    Piece("threads without end", LOST, "can't start new thread", body="""
import threading
while True: threading.Thread(target=threading.Event().wait, daemon=True).start()"""),
    Piece("descriptors without end", LOST, "Too many open files", body="""
kept = []
while True: kept.append(open("/dev/null"))"""),
    Piece("files without end", LOST, "", body="""
import os, time
end, n = time.monotonic() + 1, 0
os.mkdir("/tmp/many")
while time.monotonic() < end:
    os.close(os.open(f"/tmp/many/{n}", os.O_CREAT)); n += 1
raise RuntimeError(n)"""),
    Piece("folders in folders without end", LOST, "", body="""
import os, time
os.chdir("/tmp")
end = time.monotonic() + 0.5
while time.monotonic() < end: os.mkdir("x"); os.chdir("x")
raise RuntimeError"""),
    Piece("sixty-four threads for a product", LOST, "", task="mean_from_noise", body="""
torch.set_num_threads(64)
return (torch.ones(400, 400) @ torch.ones(400, 400))[0, 0] * x_t"""),
    Piece("an error's name of a million letters", LOST, "", body='raise type("E" * 10 ** 6, (Exception,), {})'),

    # what is left for the next task
    Piece("what other tasks use is changed in place", LOST, "", task="p_losses", body="""
import sys, builtins
cls = type(self).__mro__[1]
for name in ("predict_noise_from_start", "p_sample", "__init__", "normalize"): setattr(cls, name, None)
globals().update(extract=None, torch=None, GaussianDiffusion=None, get_beta_schedule=None)
x_start.zero_(); self.betas.zero_(); builtins.len = None
sys.modules.pop("torch"); sys.modules["course_utils.tasks"].get = None
raise RuntimeError("poisoned")"""),
    Piece("a count that goes on from task to task", LOST, "1 call", body="""
import course_utils, os
course_utils.calls = getattr(course_utils, "calls", 0) + 1
raise RuntimeError(f"{course_utils.calls} call")"""),
    Piece("the same count in another task", LOST, "1 call", body="""
import course_utils, os
course_utils.calls = getattr(course_utils, "calls", 0) + 1
raise RuntimeError(f"{course_utils.calls} call")"""),
]
IN_A_CELL = [
    Piece("a cell that exits", LEFT_OUT, "The cell ended the Python process.", cell="import os\nos._exit(0)"),
    Piece("a cell that crashes", LEFT_OUT, "The cell ended the Python process.",
          cell="import ctypes\nctypes.string_at(0)"),
    Piece("a cell nested too deep for the parser", LEFT_OUT, "", cell="x = " + "(" * 50_000),
    Piece("a cell too deep for the compiler", LEFT_OUT, "", cell="x = " + "-" * 200_000 + "1"),
    Piece("a cell that is no text", LEFT_OUT, "", cell="x = '\ud800'\n\0"),
    Piece("a thread that goes on after its cell", UNCHANGED, cell="""
import threading
def loop():
    while True: pass
for _ in range(4): threading.Thread(target=loop, daemon=True).start()"""),
    Piece("a descriptor table that is full", UNCHANGED, cell="""
kept = [open("/dev/null") for _ in range(180)]"""),
]
TASKS = Family("Stopped, in one task", IN_A_TASK + IN_A_CELL, SMALL, neighbours=3)

HANGS = [
    Piece("a loop that ignores every signal", LOST, OUT_OF_TIME, body="""
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass"""),
    Piece("a loop in C that never lets another thread run", LOST, OUT_OF_TIME, body="""
import re
re.match(r"(a+)+$", "a" * 64 + "b")"""),
    Piece("a loop in a thread that is waited for", LOST, OUT_OF_TIME, body="""
import threading
def loop():
    while True: pass
thread = threading.Thread(target=loop); thread.start(); thread.join()"""),
    Piece("a pipe held by a child after its parent's end", LOST, OUT_OF_TIME, body="""
import os, time
if os.fork() == 0: os.setsid(); time.sleep(600)
os._exit(0)"""),
    Piece("a process that stops itself", LOST, OUT_OF_TIME,
          body="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    Piece("a number that takes for ever to print", LOST, OUT_OF_TIME, body="""
import sys
sys.set_int_max_str_digits(0)
return len(str(7 ** 7 ** 9))"""),
    Piece("a cell that does not end", LEFT_OUT, "The cell took longer", cell="while True: pass"),
]
# One at a time: beside others, what misses a deadline is graded again, alone.
DEADLINES = Family("Stopped, at a deadline", HANGS, SMALL, jobs=1)

FRAMES = """
import gc, os, struct, sys, time
from course_utils.grading.rooms import wire, worker
from course_utils.tasks import Outcome
frame = sys._getframe()
while "requests" not in frame.f_locals: frame = frame.f_back
requests, replies = frame.f_locals["requests"], frame.f_locals["replies"]
zeros = Outcome({"x_t": torch.zeros(4, 3, 4, 4), "grad_x_start": torch.zeros(4, 3, 4, 4)})
answer = wire.pack("ddpm.q_sample", zeros)
"""


def own(title: str, why: str, code: str, frames: bool = False) -> Piece:
    """A cell in a submission of its own, whose room may be lost."""
    return Piece(title, HURT, why, cell=FRAMES + code if frames else code, alone=True)


IN_A_ROOM = [
    own("an answer forged before it was asked", "", "wire.send(replies, wire.pack('ready', Outcome()) + answer)", True),
    own("every answer comes twice", "", """
send = wire.send
wire.send = lambda fd, frame, *s: send(fd, frame + frame if fd == replies else frame, *s)""", True),
    own("half an answer", "", """
send = wire.send
def half(fd, frame, *seconds):
    send(fd, frame[:len(frame) // 2] if fd == replies else frame, *seconds)
    if fd == replies: os._exit(0)
wire.send = half""", True),
    own("an answer without end", "more than", "os.write(replies, b'\\xff' * 4096)", True),
    own("frames without end", "ended", """
while True: os.write(replies, wire.pack("cell:1", Outcome(error="Refused", message="Refused" * 100)))""", True),
    own("a frame whose numbers are impossible", "refused", """
raw = b'{"id": "ready", "error": null, "message": "", "tensors": [["x", "float32", [' + b'9' * 5000 + b']]]}'
os.write(replies, struct.pack("<II", len(raw) + 4, len(raw)) + raw)""", True),
    own("an answer to a question nobody asked", "not asked", """
pack = wire.pack
wire.pack = lambda id, outcome: pack("unet.forward" if "." in id else id, outcome)""", True),
    own("a pickle", "refused", """
import pickle
class Run:
    def __reduce__(self): return os.system, ("touch /tmp/pickled",)
raw = pickle.dumps(Run()); os.write(replies, struct.pack("<II", len(raw) + 4, len(raw)) + raw)""", True),
    own("a cell says that all others came through, and ends", "ended", """
import os, sys
frame = sys._getframe()
while "telling" not in frame.f_locals: frame = frame.f_back
os.write(frame.f_locals["telling"], b"!"); os._exit(0)"""),
    own("every descriptor is closed", "", "import os\nos.closerange(0, 256)"),
    own("every process that it may signal is killed", "", "import os\nos.kill(-1, 9)"),
    own("every process that it may signal is stopped", "", "import os, signal\nos.kill(-1, signal.SIGSTOP)"),
    own("the worker is killed from a task", "", """
GaussianDiffusion.q_sample = lambda self, *_: __import__("os").kill(__import__("os").getppid(), 9)"""),
    own("daemons keep every core busy", "", """
import os
for _ in range(12):
    if os.fork() == 0:
        os.setsid()
        while True: pass"""),
    own("children of their own sessions take memory", "", """
import os, time
for _ in range(4):
    if os.fork() == 0:
        os.setsid(); kept = []
        try:
            while True: kept.append(b"x" * (1 << 20))
        except MemoryError: time.sleep(600)
time.sleep(1)"""),
    own("answers from a thread, before and after each question", "", """
import threading
def answers():
    while True: os.write(replies, answer); time.sleep(0.001)
threading.Thread(target=answers, daemon=True).start()""", True),
    Piece("nineteen hundred cells that fail at length", HURT, "xxx", alone=False, edit=lambda nb: nb.cells.extend(
        [type(nb.cells[0])(cell_type="code", source="raise ValueError('x' * 10 ** 6)", metadata={}, outputs=[],
                           execution_count=None, id=f"x{n}") for n in range(1900)])),
]
ROOMS = Family("Stopped, with its room", IN_A_ROOM, SMALL, neighbours=3, only="ddpm.q_sample")

HOLDS_ITS_ROOM = [
    own("a byte now and then", "took too long", """
def slow(fd, frame, *_):
    for b in frame: os.write(fd, bytes([b])); time.sleep(0.05)
wire.send = slow""", True),
    own("the worker is stopped from a task", "took too long", """
GaussianDiffusion.q_sample = lambda self, *_: __import__("os").kill(__import__("os").getppid(), 19)"""),
    own("daemons of their own sessions take all processes there are", "", """
import os, time
while True:
    try: pid = os.fork()
    except OSError: break
    if pid == 0: os.setsid(); time.sleep(600)"""),
    own("a lock on the interpreter from a thread that sleeps in C", "took too long", """
import ctypes, threading
threading.Timer(0.3, ctypes.PyDLL(None).sleep, [600]).start()
import time; time.sleep(0.29)"""),
    own("a lock that every fork waits for is never given back", "took too long", """
import logging, threading
threading.Thread(target=lambda: (logging._lock.acquire(), threading.Event().wait()), daemon=True).start()"""),
]
HELD = Family("Stopped, with its room, at a deadline", HOLDS_ITS_ROOM, SMALL, only="ddpm.q_sample", jobs=1)
