"""What a cluster's parts are trusted with, and who is not: liars, strangers, other versions, and rooms."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import dask
import distributed
import pytest
from distributed import Client, get_worker
from distributed.security import Security
from grading.clusters import Quick, certificates_in, class_of, cluster_of, secured, started
from grading.test_room import SMALL, inside

from course_utils.grading import dask_pool, grade, records
from course_utils.grading.grader_process import GraderConfig
from course_utils.grading.intake.submissions import Submission
from course_utils.grading.rooms.room import RoomFactory
from course_utils.grading.version import digest_course

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:distributed")
LIES = {
    "another's": lambda r: replace(r, student="eve"),
    "nothing": lambda r: None,
    "other points": lambda r: with_task(r, points=1000, earned=1000),
    "more points than there are": lambda r: with_task(r, earned=11),
    "points by hand": lambda r: replace(r, notebooks=[replace(n, mark=100) for n in r.notebooks]),
    "a task twice": lambda r: replace(r, notebooks=[replace(n, tasks=[*n.tasks, n.tasks[0]]) for n in r.notebooks]),
    "what is no text": lambda r: replace(r, notes=[b"x"]),
}


def with_task(result, **changes):
    (n,) = result.notebooks
    return replace(result, notebooks=[replace(n, tasks=[replace(n.tasks[0], **changes), *n.tasks[1:]])])


def test_a_worker_that_lies_is_named_and_left_out(tmp_path, monkeypatch):
    lies, said = iter(LIES.values()), []
    students = [f"s{n}" for n in range(3 * len(LIES))]
    folder, out = class_of(tmp_path, *students)

    class Lying(Quick):
        def __init__(self, config, jobs):
            self.config, self.lie = config, next(lies, lambda r: r)

        def grade(self, submission, alone=True):
            return self.lie(super().grade(submission, alone))

    made, lock = {}, threading.Lock()

    def one_each(config, jobs):
        with lock:  # the workers of this cluster are one process
            return made.get(get_worker().address) or made.setdefault(get_worker().address, Lying(config, jobs))

    monkeypatch.setattr(dask_pool, "_get_process", one_each)
    with cluster_of(len(LIES) + 1) as cluster:
        graded = list(grade(folder, out, scheduler=cluster.scheduler_address, only="ddpm.q_sample", say=said.append))
    assert sorted(r.student for r in graded) == sorted(students) and not any(r.failed for r in graded)
    assert sum("answered something else than it was asked" in sentence for sentence in said) == len(LIES)
    assert {r.total for r in records.load_all(out / "records").values()} == {0}


def test_a_run_is_not_forgotten_while_it_is_graded(tmp_path, monkeypatch, quick):
    closed, entered, go_on = [], threading.Event(), threading.Event()

    class Long(Quick):
        def grade(self, submission, alone=True):
            entered.set()
            assert go_on.wait(30)
            return super().grade(submission, alone)

        def close(self):
            closed.append(self.config.run)

    worker = SimpleNamespace(address="", state=SimpleNamespace(nthreads=1), security=Security(), local_directory=".")
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    monkeypatch.setattr(dask_pool, "GraderProcess", Long)
    monkeypatch.setattr(dask_pool, "_processes", {})
    monkeypatch.setattr(dask_pool, "IDLE_SECONDS", -1)
    first, second, third = (GraderConfig(run, digest_course(), 0, ("05_ddpm",)) for run in "abc")
    with ThreadPoolExecutor() as threads:
        result = threads.submit(dask_pool._grade_in_worker, first, Submission("ada", {}), True)
        assert entered.wait(30)
        dask_pool._get_process(second, 1)
        assert list(dask_pool._processes) == ["a", "b"]
        go_on.set()
        assert result.result(30).student == "ada"
    dask_pool._get_process(third, 1)
    assert list(dask_pool._processes) == ["c"]


def test_a_stranger_gets_no_answer_from_a_tls_scheduler(quick, certificates, tmp_path):
    ca, cert, key = map(str, certificates)
    _, theirs, their_key = map(str, certificates_in(tmp_path))
    with cluster_of(1, protocol="tls://", security=secured(ca, cert, key)) as cluster, \
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        address = cluster.scheduler_address
        for at in (address, next(iter(cluster.workers.values())).address):
            strangers = {at: Security(tls_ca_file=ca, tls_client_cert=theirs, tls_client_key=their_key),
                         at.replace("tls", "tcp"): Security()}
            for where, security in strangers.items():
                with pytest.raises(OSError):
                    Client(where, security=security, set_as_default=False)
        with Client(address, security=secured(ca, cert, key), set_as_default=False) as ours:
            assert len(ours.nthreads()) == 1


@pytest.mark.slow
def test_a_worker_without_the_course_is_left_out(tmp_path):
    folder, out = class_of(tmp_path, "ada")
    (tmp_path / "without.py").write_text("import sys; sys.modules['course_utils'] = None")
    with cluster_of(0) as cluster:
        with started("worker", cluster.scheduler_address, "--no-nanny", "--preload", str(tmp_path / "without.py")):
            with pytest.raises(OSError, match="No worker of .* can grade. .* which version .* ModuleNotFoundError"):
                list(grade(folder, out, scheduler=cluster.scheduler_address, say=print))


REACH = """
found = [path for path in PATHS if os.path.lexists(path)] + [name for name in os.environ if "DASK" in name]
for port in PORTS:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2)
        found.append(port)
    except OSError: pass
answer(found)
"""


@pytest.mark.usefixtures("sandbox")
def test_a_room_reaches_nothing_of_the_cluster(tmp_path, certificates, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", "ca.pem")
    with cluster_of(1, protocol="tls://", security=secured(*map(str, certificates))) as cluster:
        worker = cluster.workers[0]
        monkeypatch.setattr(distributed, "get_worker", lambda: worker)
        private = dask_pool._list_private_paths()
        assert list(map(str, private)) == [worker.local_directory, str(certificates[2])]
        ports = [int(address.rsplit(":", 1)[1]) for address in (cluster.scheduler_address, worker.address)]
        paths = [worker.local_directory, *map(str, certificates)]
        code = REACH.replace("PATHS", repr(paths)).replace("PORTS", repr(ports))
        assert inside(RoomFactory(SMALL, tuple(private)), tmp_path / "with", code) == []
        assert set(inside(RoomFactory(SMALL, sandbox=False), tmp_path / "without", code)) >= {*paths, *ports}
