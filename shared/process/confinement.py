"""What a process can no longer do, once it has said so: reach the network, start programs, open files for writing.

For processes that read what strangers made. The kernel's own filter of system calls is used (seccomp), which needs no
privilege and works inside containers; where there is none, limits on memory and files hold all the same, and the caller
is told. A process that is confined stays so, and so do all its threads.

Source: https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html, linux/filter.h, linux/audit.h
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

from shared.process.memory_limit import limit_memory

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_SET_MODE_FILTER, _FLAG_ALL_THREADS = 1, 1
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_FLAGS_OF_OPENAT_AT, _FLAGS_OF_OPEN_AT = 32, 24
"""Where in the kernel's record the call's number, the architecture and the lower halves of two arguments lie."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_X32 = 0x40000000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """Numbers of one architecture.

    Args:
        audit: What the kernel calls it.
        seccomp: The call that installs a filter.
        openat: Opens a file.
        open: Opens a file in the old way, where there is one.
        refused: Calls that are refused whatever their arguments.
    """

    audit: int
    seccomp: int
    openat: int
    open: int | None
    refused: tuple[int, ...]


_MACHINES = {
    # Refused, in this order: socket connect accept sendto sendmsg bind listen socketpair accept4 | execve execveat
    # ptrace | kill tkill tgkill |
    # rename mkdir rmdir creat link unlink symlink chmod chown …at openat2 | fork vfork | io_uring_setup process_vm_*
    "x86_64": _Machine(
        audit=0xC000003E,
        seccomp=317,
        openat=257,
        open=2,
        refused=(
            41,
            42,
            43,
            44,
            46,
            49,
            50,
            53,
            288,
            59,
            322,
            101,
            62,
            200,
            234,
            82,
            83,
            84,
            85,
            86,
            87,
            88,
            90,
            92,
            258,
            259,
            260,
            263,
            264,
            265,
            266,
            268,
            316,
            437,
            57,
            58,
            425,
            310,
            311,
        ),
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        seccomp=277,
        openat=56,
        open=None,
        refused=(
            198,
            203,
            202,
            206,
            211,
            200,
            201,
            199,
            242,
            221,
            281,
            117,
            129,
            130,
            131,
            33,
            34,
            35,
            36,
            37,
            38,
            53,
            54,
            276,
            437,
            425,
            270,
            271,
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What holds from now on.

    Args:
        is_filtered: Whether the kernel refuses network, programs and writing; otherwise only the limits hold.
        has_memory_limit: Whether memory is limited.
    """

    is_filtered: bool
    has_memory_limit: bool


def confine(*, memory_bytes: int) -> Confinement:
    """Give up what a process that only computes does not need, for good.

    Pipes and files that are open already stay so, and files may be opened for reading.

    Args:
        memory_bytes: Most memory that it may allocate.
    """
    has_memory_limit = limit_memory(memory_bytes)
    if sys.platform != "linux":
        return Confinement(is_filtered=False, has_memory_limit=has_memory_limit)
    import resource  # noqa: PLC0415 - not on every system

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return Confinement(is_filtered=_filtered(), has_memory_limit=has_memory_limit)


def _filtered() -> bool:
    """Install the filter for all threads; answer whether the kernel took it."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.byteorder != "little":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    code = _program(machine)
    instructions = ctypes.create_string_buffer(code, len(code))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    # For all threads where the kernel can, as libraries may have started some; else for this one and its children.
    done = libc.syscall(ctypes.c_long(machine.seccomp), _SET_MODE_FILTER, _FLAG_ALL_THREADS, filter_)
    return bool(done == 0) or bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, filter_, 0, 0) == 0)


def _program(machine: _Machine) -> bytes:
    """Return the filter as the kernel takes it: eight bytes an instruction, jumps counted from the next one."""
    refuse = _REFUSE | errno.EACCES
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (0x35, 0, 1, _X32),  # at or above: the second numbering of x86-64, under which everything has another number
        (_RETURN, 0, 0, refuse),
    ]
    for number in machine.refused:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    opening = [(machine.openat, _FLAGS_OF_OPENAT_AT)]
    opening += [] if machine.open is None else [(machine.open, _FLAGS_OF_OPEN_AT)]
    for opens, flags_at in opening:
        code += [
            (_EQUAL, 0, 4, opens),
            (_LOAD, 0, 0, flags_at),
            (_ANY_BIT, 0, 1, _WRITING),
            (_RETURN, 0, 0, refuse),
            (_RETURN, 0, 0, _ALLOW),
        ]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
