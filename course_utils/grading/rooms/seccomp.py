"""The system calls that a room is refused: ways to a new namespace or mount, to another process, into the kernel."""

from __future__ import annotations

import errno
from typing import BinaryIO

from course_utils.grading.rooms import namespaces

REFUSED = """
    unshare setns mount umount2 pivot_root chroot mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise
    keyctl add_key request_key bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    init_module finit_module delete_module kexec_load kexec_file_load open_by_handle_at quotactl acct swapon swapoff
    memfd_create memfd_secret shmget msgget semget io_setup inotify_init inotify_init1 fanotify_init
    setxattr lsetxattr fsetxattr setxattrat
""".split()
SET_LEASE, NOTIFY = 1024, 1026  # commands of fcntl: opening a leased file waits for the lease's holder
LOCKS = [5, 6, 7, 36, 37, 38]  # commands of fcntl that set or ask for a lock
UNIX = 1  # AF_UNIX, the only family of sockets that is allowed


class SandboxError(OSError):
    """There is no working sandbox; the sentence names what is missing or failed."""


def write_filter(file: BinaryIO) -> None:
    """Writes the filter, as the BPF program that bubblewrap loads, and goes back to the file's beginning.

    Refused calls fail with EPERM; clone3, whose arguments a filter cannot read, with ENOSYS, so that the C library
    falls back to clone. Memory files, System V's shared memory, queues and semaphores, files' attributes, and the
    buffers of sockets other than unix's are refused because they would count towards no limit, requests for
    asynchronous input because the machine has few; locks and watches because they tell of other rooms, which see the
    same files and the same /dev/null. Locks fail as on a file system that has none: flock with ENOSYS, whereupon
    `filelock` makes a file.

    Raises:
        SandboxError: When libseccomp is missing.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as e:
        raise SandboxError(f"The system-call filter cannot be made: {e}; install pyseccomp and libseccomp2.") from None
    program = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in REFUSED:
        if seccomp.resolve_syscall(seccomp.system_arch(), name) >= 0:  # else this kernel's headers do not know it
            program.add_rule(seccomp.ERRNO(errno.EPERM), name)
    program.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in namespaces.ALL:
        program.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    program.add_rule(seccomp.ERRNO(errno.ENOSYS), "flock")
    for command in (SET_LEASE, NOTIFY, *LOCKS):  # of which the kernel reads 32 bits
        said = errno.ENOLCK if command in LOCKS else errno.EPERM
        program.add_rule(seccomp.ERRNO(said), "fcntl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, command))
    for call in ("socket", "socketpair"):  # other families reach the kernel, the hypervisor or shared memory
        program.add_rule(seccomp.ERRNO(errno.EPERM), call, seccomp.Arg(0, seccomp.NE, UNIX))
    program.export_bpf(file)
    file.seek(0)
