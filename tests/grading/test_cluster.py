"""A Dask cluster grades as this machine does, and loses nothing when parts of it die."""

from __future__ import annotations

import inspect
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from functools import partial

import dask
import pytest
from distributed import get_worker
from grading.classroom import QUICK, ddpm, hand_in
from grading.clusters import Quick, class_of, cluster_of, secured, started

from course_utils import cli
from course_utils.grading import dask_pool, grade, pools, records, runs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:distributed")


def in_a_process(config, submission, alone):
    """The unit of work for workers in processes of their own. A `poison` kills its worker; others say who they were."""
    if submission.student == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return replace(config.make_failed_result(submission, ""), failed=False, crowded=not alone)


in_a_process.__module__ = "__main__"  # so that it is sent whole: a worker cannot import this file


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

    monkeypatch.setattr(dask_pool, "GraderProcess", Counting)
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

    def choosy(config, jobs):
        if not refusing or get_worker().address in refusing:
            refusing.append(get_worker().address)
            raise OSError("bubblewrap is missing.")
        return Quick(config, jobs)

    monkeypatch.setattr(dask_pool, "_get_process", choosy)
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
    monkeypatch.setattr(runs, "digest_course", lambda: "another")
    with cluster_of(1) as cluster, pytest.raises(OSError, match="another version of the course"):
        list(grade(folder, out, scheduler=cluster.scheduler_address, say=print))


def test_nobody_there_is_a_sentence(tmp_path, monkeypatch, quick, capsys):
    folder, out = class_of(tmp_path, "ada")
    monkeypatch.setattr(dask_pool, "NO_WORKER_SECONDS", 0.5)
    with cluster_of(0) as cluster, pytest.raises(OSError, match="no worker at .* for 0.5 seconds"):
        list(grade(folder, out, scheduler=cluster.scheduler_address, say=print))
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        words = ["grade", str(folder), "--out", str(out), "--scheduler", "tcp://127.0.0.1:9"]
        assert cli.main([*words, "--resume"]) == 2
    assert "The scheduler tcp://127.0.0.1:9 cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("address, options, said", [
    ("banana", [], "not 'banana'"), ("", [], "not ''"), ("foo://127.0.0.1:9", [], "such as tls://host:8786"),
    ("tcp://127.0.0.1", [], "such as"), ("tls://127.0.0.1:9", [], "wants certificates: --tls-ca"),
    ("tls://127.0.0.1:9", ["--tls-ca", "no.pem", "--tls-cert", "no.pem", "--tls-key", "no.pem"], "no file no.pem")])
def test_what_is_no_address_is_one_sentence(tmp_path, address, options, said, capsys):
    folder, out = class_of(tmp_path, "ada")
    assert cli.main(["grade", str(folder), "--out", str(out), "--scheduler", address, *options]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_tls_scheduler_wants_certificates_and_warns_of_nothing(tmp_path, quick, certificates, capsys):
    folder, out = class_of(tmp_path, "ada", "ben")
    ca, cert, key = map(str, certificates)
    with cluster_of(1, protocol="tls://", security=secured(ca, cert, key)) as cluster:
        words = ["grade", str(folder), "--out", str(out), "--scheduler", cluster.scheduler_address]
        with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
            assert cli.main(words) == 2
        assert "wants certificates" in capsys.readouterr().err
        assert cli.main([*words, "--tls-ca", ca, "--tls-cert", cert]) == 2
        assert "belong together" in capsys.readouterr().err
        assert cli.main([*words, "--tls-ca", ca, "--tls-cert", cert, "--tls-key", key]) == 0
    assert "encrypted" not in capsys.readouterr().out
    assert list(records.load_all(out / "records")) == ["ada", "ben"]


@pytest.mark.slow
def test_a_submission_that_kills_its_workers_is_a_row_and_a_killed_worker_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_pool, "_grade_in_worker", in_a_process)
    students = [f"s{n:02}" for n in range(12)]
    folder, out = class_of(tmp_path, *students, "poison")
    monkeypatch.setattr(dask_pool, "MAX_WORKER_DEATHS", 2)
    with cluster_of(2, processes=True) as cluster:
        run = grade(folder, out, scheduler=cluster.scheduler_address, say=print)
        seen = [next(run)]
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        seen += run
    assert sorted(r.student for r in seen) == sorted([*students, "poison"])
    found = records.load_all(out / "records")
    assert {s for s, r in found.items() if r.failed} == {"poison"}
    assert found["poison"].reason == "Its grading was given up: 2 workers died over it."
    assert len((out / "grades.csv").read_text().splitlines()) == 14
    monkeypatch.setattr(pools, "GraderProcess", Quick)
    assert {r.student: r.failed for r in grade(folder, out, resume=True)} == dict.fromkeys([*students, "poison"], False)


PARENT = """
import os, signal, sys, time
from dataclasses import replace
from course_utils.grading import dask_pool, grade
exec(sys.argv[1])
dask_pool._grade_in_worker = in_a_process
list(grade(*sys.argv[2:4], scheduler=sys.argv[4], resume=True, say=print))
"""


@pytest.mark.slow
def test_a_lost_scheduler_and_a_killed_parent_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_pool, "_grade_in_worker", in_a_process)
    students = [f"s{n:02}" for n in range(40)]
    folder, out = class_of(tmp_path, *students)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    one_run = partial(grade, folder, out, scheduler=address, say=print)
    with dask.config.set({"distributed.comm.timeouts.connect": "5s"}):
        with started("scheduler", "--host", "127.0.0.1", "--port", str(port)) as scheduler, \
                started("worker", address, "--no-nanny", "--nthreads", "1"):
            run = one_run()
            seen = [next(run).student]
            scheduler.kill()
            with pytest.raises(OSError, match=f"The scheduler {address} is gone. .* --resume"):
                seen += (r.student for r in run)
        kept = set(records.load_all(out / "records"))
        assert set(seen) == kept and 0 < len(kept) < 40
        with started("scheduler", "--host", "127.0.0.1", "--port", str(port)), \
                started("worker", address, "--no-nanny", "--nthreads", "1"):
            words = [sys.executable, "-c", PARENT, inspect.getsource(in_a_process), folder, out, address]
            parent = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            while len(kept) == len(list(out.glob("records/*.json"))):
                assert parent.poll() is None
                time.sleep(0.01)
            parent.kill()
            parent.wait()
            assert len(list(out.glob("records/*.json"))) < 40
            assert sorted(r.student for r in one_run(resume=True)) == students
    assert list(records.load_all(out / "records")) == students
    assert not list(out.glob("records/.*.part"))


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_a_cluster_comes_to_the_same_verdicts(tmp_path):
    for student, code in {"ada": None, "wrong": "return x_start", "exits": "import os; os._exit(0)"}.items():
        hand_in(tmp_path / "in", student, ddpm(**({"q_sample": code} if code else {})))
    hand_in(tmp_path / "in", "text", "not JSON {")
    options = {"only": "ddpm.q_sample", "seed": 7, "limits": QUICK, "say": print}
    local = {r.student: asdict(r) for r in grade(tmp_path / "in", tmp_path / "local", **options)}
    with cluster_of(1, threads=2, processes=True) as cluster:
        options["scheduler"] = cluster.scheduler_address
        for way in ("cold", "warm"):
            there = grade(tmp_path / "in", tmp_path / way, warm=way == "warm", **options)
            assert {r.student: asdict(r) for r in there} == local
    assert {s: r["notebooks"][0]["tasks"][0]["earned"] for s, r in local.items()} == {
        "ada": 10, "wrong": 0, "exits": 0, "text": 0}
