"""What is not to be found or reached from a room. Each piece raises `Found` with all that it found."""

from __future__ import annotations

from grading.attacks.suite import NOTHING, UNCHANGED, Family, Piece

from course_utils.grading.rooms.limits import Limits

FOUND = """
import ctypes, gc, os, re, socket, sys
class Found(Exception): pass
CANARY = re.compile(b"CAN" + b"ARY-[0-9a-f]{16}")
def attempt(work, *refused):
    try: return work()
    except (OSError, ImportError, MemoryError, ValueError, *refused): return None
"""
PROCESSES = """
pids = [p for p in os.listdir("/proc") if p.isdigit()]
"""
MEMORY = """
def memory(pid):
    try:
        maps = [line.split() for line in open(f"/proc/{pid}/maps")]
        mem = open(f"/proc/{pid}/mem", "rb", buffering=0)
    except OSError: return
    for line in maps:
        begin, end = (int(x, 16) for x in line[0].split("-"))
        if "r" not in line[1] or len(line) > 5 and line[5] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"): continue
        if len(line) > 5 and line[5].startswith("/") and "w" not in line[1]: continue
        for at in range(begin, min(end, begin + (1 << 28)), 1 << 24):
            try:
                mem.seek(at); yield mem.read(min(1 << 24, end - at))
            except (OSError, OverflowError): break
"""


def finds(title: str, code: str, task: str = "") -> Piece:
    """A body that looks for what should not be there."""
    return Piece(title, NOTHING, body=FOUND + code + "\nraise Found(found)", task=task)


CACHES = """
import os, tempfile
home, user = os.path.expanduser("~"), os.environ.get("USER", "student")
places = [f"{tempfile.gettempdir()}/torchinductor_{user}", f"{home}/.triton/cache", f"{home}/.cache/torch_extensions",
          f"{home}/.cache/torch/inductor", "/dev/shm/torchinductor", "/var/tmp/triton", "/room/cache/torchinductor"]
places += [os.environ[n] for n in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME") if n in os.environ]
"""


PIECES = [
    Piece("compiled code is left in every cache of Inductor and Triton", UNCHANGED, cell=CACHES + """
for place in places:
    try:
        os.makedirs(place + "/ab", exist_ok=True)
        for name in ("kernel.py", "kernel.so"): open(f"{place}/ab/{name}", "w").write("raise SystemExit")
    except OSError: pass"""),
    finds("compiled code that another room left", CACHES + """
found = [os.path.join(at, f) for place in places for at, _, files in os.walk(place) for f in files]"""),
    finds("a compiler's cache, or headers, that lead outside", CACHES + """
found = [(p, os.path.realpath(p)) for p in places if os.path.realpath(p) != p]
found += [p for p in ("/usr/include", "/usr/local/include") if os.path.lexists(p)]
known = [os.environ.get(n, "/tmp") for n in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TORCH_EXTENSIONS_DIR")]
found += [place for place in known if not place.startswith("/tmp")]  # torch names its own"""),
    finds("solutions, answers, submissions, report, home and system by their names", """
found = [p for p in $PLACES if os.path.lexists(p)]"""),
    finds("a canary in any file that can be read", """
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("usr", "proc", "site-packages", "lib")]
    for path in (os.path.join(folder, f) for f in files):
        text = attempt(lambda: open(path, "rb").read(1 << 20) if os.path.isfile(path) else b"") or b""
        if CANARY.search(text) or "canary" in path.lower() or path.endswith(".ipynb"): found.append(path)"""),
    finds("a canary in the environment, the arguments or the folders of any process", PROCESSES + """
found = []
for path in (f"/proc/{pid}/{name}" for pid in pids for name in ("environ", "cmdline", "mountinfo", "stack")):
    if CANARY.search(attempt(lambda: open(path, "rb").read()) or b""): found.append(path)
for way in (f"/proc/{pid}/{name}{place}" for pid in pids for name in ("root", "cwd") for place in $PLACES):
    if os.path.lexists(way): found.append(way)"""),
    finds("something to read in an open descriptor", PROCESSES + """
import select
found = []
for pid in pids:
    for fd in attempt(lambda: os.listdir(f"/proc/{pid}/fd")) or []:
        path = f"/proc/{pid}/fd/{fd}"
        kind = attempt(lambda: os.readlink(path)) or ""
        if not kind.startswith(("pipe:", "/dev/null", "/proc/", "/usr/", "/room", sys.prefix, "socket:", "anon_inode")):
            found.append(f"{path} {kind}") if kind else None
for fd in range(3, 256):
    try:
        ready = select.select([fd], [], [], 0)[0] and os.read(fd, 1 << 16)
    except (OSError, ValueError): continue
    if ready: found.append([fd, len(ready)])"""),
    finds("the seed or a canary in the memory of any process of the room", PROCESSES + MEMORY + """
import hashlib
found, number = [], re.compile(b"4242424[0-9]{12}")
for pid in pids:
    for piece in memory(pid):
        found += CANARY.findall(piece)
        found += [n for n in number.findall(piece) if hashlib.sha256(n).hexdigest() == $SEED_DIGEST]"""),
    finds("the right answer in this process's memory", MEMORY + """
reading, writing = os.pipe()
if os.fork() == 0:  # a child computes it and tells its complement, so that it stands here only if it was here before
    right = (extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start
             + extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) * noise)
    os.write(writing, bytes(255 - b for b in right.detach().numpy().tobytes()[64:96]))
    os._exit(0)
complement = os.read(reading, 64)
os.wait()
import numpy
found = [1 for piece in memory("self") if (255 - numpy.frombuffer(piece, numpy.uint8)).tobytes().find(complement) >= 0]
""", task="q_sample"),
    finds("expected values among the interpreter's objects", """
names = {"wanted", "seed", "recorded", "mistakes", "answers", "expected", "solution"}
found = []
for thing in gc.get_objects():
    if type(thing) is dict and any(type(k) is str for k in thing):
        about = str(thing.get("__name__", ""))
        held = {k for k in thing if type(k) is str and k in names and type(thing[k]) in (int, dict, list, torch.Tensor)}
        if held and "course" in about: found.append([about, sorted(held)])"""),
    finds("expected values in the frames above", """
frame, found = sys._getframe(), []
while frame:
    found += [n for n in frame.f_locals if n in ("wanted", "key", "seed", "recorded", "mistakes", "reference", "limits")
              and n != "limits" and not isinstance(frame.f_locals[n], type(sys))]
    frame = frame.f_back"""),
    finds("recorded answers and the bank of mistakes", """
from course_utils.tasks import recorded
import course_utils, pathlib
found = [str(p) for p in pathlib.Path(course_utils.__file__).parents[1].rglob("*")
         if "answers" in p.parts or "mistakes" in p.parts or "solutions" in p.parts]
if attempt(lambda: recorded.load_recorded("05_ddpm")): found.append("load_recorded")"""),
    finds("modules of the library that answer this notebook", """
import importlib
found = [name for name in ("authoring.bank", "notebooks", "diffusion.gaussian", "diffusion.paths", "diffusion.plans",
                           "diffusion.samplers", "diffusion.guidance", "diffusion.likelihood", "kernels.q_sample",
                           "models.unet", "own", "grading.grader", "grading.rooms.room", "tasks.unet")
         if attempt(lambda: importlib.import_module(f"course_utils.{name}"))]"""),
    finds("installed packages that hold the answers", r"""
import subprocess
folders = [p for p in sys.path if "site-packages" in p or "dist-packages" in p]
answers = r"def (q_sample|q_posterior|predict_start_from_noise)\b"
said = subprocess.run(["/usr/bin/grep", "-rlE", "--include=*.py", answers, *folders], capture_output=True, text=True)
found = said.stdout.split()""", task="posterior_tables"),
    finds("the network, the host's loopback and a scheduler", """
def call(family, kind, address):
    s = socket.socket(family, kind); s.settimeout(0.3)
    s.connect(address); s.send(b"found")
    return address
hosts = ["127.0.0.1", "0.0.0.0", "localhost", "10.0.2.2", "169.254.169.254", "1.1.1.1"]
found = [a for host in hosts for a in [attempt(lambda: call(socket.AF_INET, socket.SOCK_STREAM, (host, $PORT)))] if a]
found += [a for a in [attempt(lambda: call(socket.AF_INET6, socket.SOCK_STREAM, ("::1", $PORT)))] if a]
attempt(lambda: call(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", $UDP_PORT)))
found += [name for _, name in attempt(socket.if_nameindex) or [] if name != "lo"]
found += attempt(lambda: [a[4][0] for a in socket.getaddrinfo("example.org", 80)]) or []"""),
    finds("a unix socket, by path and by abstract name", """
def call(address):
    s = socket.socket(socket.AF_UNIX); s.settimeout(0.3)
    s.connect(address)
    return address
found = [a for a in ($SOCKET, "\\0" + $ABSTRACT) if attempt(lambda: call(a))]
found += [line for line in open("/proc/net/unix") if "@" in line or "/" in line]"""),
    finds("sockets and pairs of them of any family but unix's, also with high bits", """
libc = ctypes.CDLL(None, use_errno=True)
call = libc.syscall; call.restype = ctypes.c_long
numbers = {"x86_64": (41, 53), "aarch64": (198, 199)}[os.uname().machine]
pair, found = (ctypes.c_int * 2)(), []
for family in {*range(64)} - {1}:
    for high in (0, 1 << 32, -1 << 32):
        for number, kind in ((n, k) for n in numbers for k in (1, 2, 3, 5)):
            fd = call(*map(ctypes.c_long, (number, family | high, kind, 0)), pair)
            if fd >= 0 or ctypes.get_errno() != 1: found.append((number, family, high, ctypes.get_errno()))"""),
    finds("system calls that lead out: all are refused with EPERM", """
libc = ctypes.CDLL(None, use_errno=True)
calls = {"unshare": 272, "mount": 165, "umount": 166, "ptrace": 101, "keyctl": 250, "add_key": 248, "io_uring": 425,
         "bpf": 321, "setns": 308, "pivot_root": 155, "chroot": 161, "perf": 298, "userfaultfd": 323, "memfd": 319,
         "by_handle": 304, "move_mount": 429, "fsopen": 430, "pidfd_getfd": 438, "vm_readv": 310, "syslog": 103,
         "kexec": 246, "init_module": 175, "quotactl": 179, "fanotify": 300, "shmget": 29, "clone3": 435,
         "semget": 64, "io_setup": 206}
calls = calls if os.uname().machine == "x86_64" else {}
def errno(n):
    ctypes.set_errno(0)
    libc.syscall(ctypes.c_long(n), ctypes.c_long(0x10000000), *[ctypes.c_long(0)] * 5)
    return ctypes.get_errno()
got = {name: errno(n) for name, n in calls.items()}
found = [(name, e) for name, e in got.items() if e != (38 if name == "clone3" else 1)]"""),
    finds("a new namespace by clone with every flag", """
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
found = []
for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    pid = libc.syscall(ctypes.c_long(number), ctypes.c_long(17 | flag), *[ctypes.c_long(0)] * 4)
    if pid == 0: os._exit(0)
    if pid > 0:
        attempt(lambda: os.waitpid(pid, 0x40000000))  # a child that sends no signal, too
        if flag != 0x80: found.append(hex(flag))"""),
    finds("devices, sysfs, other people's folders and ways to write outside", """
allowed = ("null zero full random urandom tty shm pts fd stdin stdout stderr core ptmx console").split()
found = [d for d in os.listdir("/dev") if d not in allowed]
found += [p for p in ("/sys", "/run", "/srv") if os.path.exists(p)]
found += [p for p in ("/dev/tty", "/dev/console", "/dev/ptmx") if attempt(lambda: open(p, "rb"))]
for folder in ["/", "/usr", "/etc", "/room", "/room/course_utils", sys.prefix, "/dev", $SUBMISSIONS,
               os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(__import__("torch").__file__)), "/proc",
               "/proc/sys/kernel", "/dev/pts", "/var/tmp", "/run"]:
    if attempt(lambda: open(folder + "/written", "w")): found.append(folder)
found += [f for f in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/1/oom_score_adj", "/proc/kcore")
          if attempt(lambda: open(f, "r+b"))]"""),
    finds("another student's folder, by links and by its name", """
found = []
for name, link in (("a", os.symlink), ("b", os.link)):
    made = attempt(lambda: link($SUBMISSIONS, "/tmp/" + name)) is None and os.path.lexists("/tmp/" + name)
    if made and os.path.exists("/tmp/" + name): found.append(name)
if attempt(lambda: os.listdir($SUBMISSIONS)): found.append("listed")
attempt(lambda: os.makedirs($SUBMISSIONS + "/00-cells"))  # in a /tmp of its own, if at all: nothing outside changes
attempt(lambda: open($SUBMISSIONS + "/00-cells/05_ddpm.ipynb", "w").write("{}"))"""),
    finds("privileges: user ids, capabilities, set-user-id programs, priorities", """
import subprocess
found = [w for w in ("setuid", "setgid", "seteuid", "setegid") if attempt(lambda: getattr(os, w)(0) is None)]
found += [line for line in open("/proc/self/status") if line.startswith("Cap") and int(line.split()[1], 16)]
found += [s for s in open("/proc/self/status") if s.split() in (["NoNewPrivs:", "0"], ["Seccomp:", "0"])]
if attempt(lambda: os.nice(-5)) is not None: found.append("nice")
if attempt(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)) is None): found.append("real time")
su = attempt(lambda: subprocess.run(["/usr/bin/su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL))
if su and b"uid=0" in su.stdout: found.append("su")""", task="cosine_beta_schedule"),
    finds("the history of the course, installed copies, old reports and exchanges in the system's folders", """
found = [p for p in ("/usr/src", "/usr/local/share", "/usr/local/src", "/usr/share/nbgrader", "/srv", "/opt/course")
         if os.path.lexists(p)]
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if (folder, f) not in (("/", "proc"), ("/", "lib"))]
    unneeded = folder.endswith("-packages") and not os.path.isdir(folder + "/torch")
    if unneeded and (folders or files): found.append(folder)
    found += [os.path.join(folder, f) for f in folders if f in (".git", "solutions", "course_utils")
              and folder != "/room"]"""),
    finds("leases that make others wait, locks and watches that tell of them", """
import fcntl, struct
found, libc = [], ctypes.CDLL(None, use_errno=True)
read, write = (struct.pack("hhqqi4x", kind, 0, 0, 0, 0) for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK))
for path, how in ((__import__("course_utils").__file__, "r"), (os.__file__, "r"), (torch.__file__, "r"),
                  ("/dev/null", "r+b"), ("/dev/zero", "r+b")):  # devices are the machine's, and can be written to
    file = open(path, how, buffering=-1 if how == "r" else 0)
    for name, work in {"lease": lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK),
                       "notify": lambda: fcntl.fcntl(file, fcntl.F_NOTIFY, fcntl.DN_ACCESS),
                       "flock": lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB),
                       "shared flock": lambda: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB),
                       "lock": lambda: fcntl.fcntl(file, fcntl.F_SETLK, read if how == "r" else write),
                       "its holder": lambda: fcntl.fcntl(file, fcntl.F_GETLK, write),
                       "lock of a description": lambda: fcntl.fcntl(file, 37, read)}.items():
        if attempt(lambda: work() or True): found.append((path, name))
if libc.inotify_init1(0) >= 0 or libc.inotify_init() >= 0: found.append("inotify")
if libc.fanotify_init(0x200, 0) >= 0: found.append("fanotify, as any user may ask for it")
found += attempt(lambda: open("/proc/locks").read().split()) or []"""),
    finds("limits that can be raised again", """
import resource
found = []
for name in ("AS", "FSIZE", "NOFILE", "CORE", "NPROC", "CPU", "SIGPENDING", "MSGQUEUE"):
    which = getattr(resource, "RLIMIT_" + name)
    soft, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY: found.append(name); continue
    if attempt(lambda: resource.setrlimit(which, (hard + 1, hard + 1)) is None): found.append(name + " raised")"""),
]

FAMILY = Family("Unreachable", PIECES, Limits(cell=15, probe=30, notebook=60))
