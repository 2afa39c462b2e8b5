"""Dask clusters made for the tests, on the loopback: their parts, their certificates, and graders without a room."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from distributed import LocalCluster
from distributed.security import Security
from grading.classroom import hand_in


class Quick:
    """Grades without a room."""

    def __init__(self, config, jobs):
        self.config = config

    def grade(self, submission, alone=True):
        time.sleep(0.02)
        return replace(self.config.make_failed_result(submission, ""), failed=False, crowded=not alone)

    def close(self):
        pass


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


def certificates_in(folder):
    """An authority and one certificate of its, which all may use."""
    openssl = partial(subprocess.run, cwd=folder, check=True, capture_output=True)
    new = ["openssl", "req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl([*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"])
    openssl([*new, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=grading"])
    openssl("openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem".split())
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


def secured(ca, cert, key):
    """What a cluster's parts, and who grades with it, know of each other."""
    return Security(tls_ca_file=ca, require_encryption=True, **{
        f"tls_{who}_{what}": file for who in ("scheduler", "worker", "client") for what, file in
        (("cert", cert), ("key", key))})


@contextmanager
def started(*words):
    """A part of a cluster as a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{words[0]}", *words[1:],
                                "--no-dashboard"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
