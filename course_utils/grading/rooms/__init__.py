"""Rooms: where a stranger's notebook runs.

    wire, client           what passes between the grader and a room
    room, seccomp          a process behind bubblewrap, and the system calls that it may not make
    mounts, namespaces     what of the machine it sees
    limits, cgroups        what it may use
    selftest               an attempt to get out, made before anything is graded
    warm, fork_server      the same room, entered by a fork of a process that has loaded torch
    stage                  the few files of the course that it sees
    worker, work, preload  the process inside, which runs a notebook and answers

What comes out is bytes that cannot execute, and nothing in them is believed.
"""
