"""A Dask cluster grades as this machine does, and loses nothing when parts of it die."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial

import dask
import pytest
from distributed import LocalCluster, get_worker
from distributed.security import Security
from grading.classroom import hand_in

from course_utils import cli
from course_utils.grading import grade, pools, records, rubric, runs
from course_utils.grading.records import NotebookResult, Result, TaskResult

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:distributed")


class Quick:
    """Grades without a room."""

    def __init__(self, order):
        self.order = order

    def grade(self, submission, alone=True):
        time.sleep(0.02)
        notebook = NotebookResult("05_ddpm", [TaskResult("ddpm.q_sample", 10, 10)], rubric=rubric.digest("05_ddpm"))
        return Result(submission.student, "", [notebook], crowded=not alone)

    def close(self):
        pass


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(pools, "Workshop", Quick)


@contextmanager
def cluster_of(workers, threads=1, **options):
    """A cluster in this process, or in others, which listens on the loopback."""
    with LocalCluster(n_workers=workers, threads_per_worker=threads, dashboard_address=None,
                      **{"processes": False, "protocol": "tcp://", "host": "127.0.0.1", **options}) as cluster:
        yield cluster


def class_of(tmp_path, *students):
    for student in students:
        hand_in(tmp_path / "in", student, "{}")
    return tmp_path / "in", tmp_path / "out"


def test_every_thread_of_the_cluster_grades_and_each_submission_once(tmp_path, monkeypatch):
    busy, most, graded, said, lock, together = {}, {}, [], [], threading.Lock(), threading.Barrier(4)

    class Counting(Quick):
        def grade(self, submission, alone=True):
            worker = get_worker().address
            with lock:
                graded.append(submission.student)
                busy[worker] = busy.get(worker, 0) + 1
                most[worker] = max(most.get(worker, 0), busy[worker])
            together.wait(60)
            with lock:
                busy[worker] -= 1
            return super().grade(submission, alone)

    monkeypatch.setattr(pools, "Workshop", Counting)
    students = [f"s{n:02}" for n in range(24)]
    folder, out = class_of(tmp_path, *students)
    with cluster_of(2, threads=2) as cluster:
        assert sorted(r.student for r in grade(folder, out, scheduler=cluster.scheduler_address, say=said.append)) \
            == students
    assert sorted(graded) == students and list(most.values()) == [2, 2]
    assert list(records.load_all(out / "records")) == students
    assert len(said) == 1 and "is not encrypted" in said[0]


def test_a_worker_that_refuses_is_named_and_the_others_grade(tmp_path, monkeypatch):
    refusing, said = [], []

    def choosy(order):
        if not refusing or get_worker().address in refusing:
            refusing.append(get_worker().address)
            raise OSError("bubblewrap is missing.")
        return Quick(order)

    monkeypatch.setattr(pools, "_workshop", choosy)
    folder, out = class_of(tmp_path, *"abcdefgh")
    with cluster_of(1) as cluster:
        with pytest.raises(OSError, match=r"No worker of tcp://\S+ can grade. bubblewrap is missing. .* --resume"):
            list(grade(folder, out, scheduler=cluster.scheduler_address, say=said.append))
        cluster.scale(2)
        run = grade(folder, out, scheduler=cluster.scheduler_address, resume=True, say=said.append)
        assert len(list(run)) == 8
    assert len(set(refusing)) == 1
    assert said.count(f"The worker {refusing[0]} is left out: bubblewrap is missing.") == 2


def test_another_version_of_the_course_is_refused(tmp_path, monkeypatch, quick):
    folder, out = class_of(tmp_path, "ada")
    monkeypatch.setattr(runs, "course_digest", lambda: "another")
    with cluster_of(1) as cluster, pytest.raises(OSError, match="another version of the course"):
        list(grade(folder, out, scheduler=cluster.scheduler_address, say=print))


def test_nobody_there_is_a_sentence(tmp_path, monkeypatch, quick, capsys):
    folder, out = class_of(tmp_path, "ada")
    monkeypatch.setattr(pools, "PATIENCE", 0.5)
    with cluster_of(0) as cluster, pytest.raises(OSError, match="no worker at .* for 0.5 seconds"):
        list(grade(folder, out, scheduler=cluster.scheduler_address, say=print))
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        words = ["grade", str(folder), "--out", str(out), "--scheduler", "tcp://127.0.0.1:9"]
        assert cli.main([*words, "--resume"]) == 2
    assert "The scheduler tcp://127.0.0.1:9 cannot be reached" in capsys.readouterr().err


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority and one certificate of its, which all may use."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = partial(subprocess.run, cwd=folder, check=True, capture_output=True)
    new = ["openssl", "req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl([*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"])
    openssl([*new, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=grading"])
    openssl("openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem".split())
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


def test_a_tls_scheduler_wants_certificates_and_warns_of_nothing(tmp_path, quick, certificates, capsys):
    folder, out = class_of(tmp_path, "ada", "ben")
    ca, cert, key = map(str, certificates)
    security = Security(tls_ca_file=ca, require_encryption=True, **{
        f"tls_{who}_{what}": file for who in ("scheduler", "worker", "client") for what, file in
        (("cert", cert), ("key", key))})
    with cluster_of(1, protocol="tls://", security=security) as cluster:
        words = ["grade", str(folder), "--out", str(out), "--scheduler", cluster.scheduler_address]
        with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
            assert cli.main(words) == 2
        assert "cannot be reached" in capsys.readouterr().err
        assert cli.main([*words, "--tls-ca", ca, "--tls-cert", cert]) == 2
        assert "belong together" in capsys.readouterr().err
        assert cli.main([*words, "--tls-ca", ca, "--tls-cert", cert, "--tls-key", key]) == 0
    assert "encrypted" not in capsys.readouterr().out
    assert list(records.load_all(out / "records")) == ["ada", "ben"]
