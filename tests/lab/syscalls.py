"""The Linux system calls the lab needs and Python 3.11 has no function for."""

import ctypes
import os

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
MNT_DETACH = 0x2

_PR_SET_PDEATHSIG = 1
_PIVOT_ROOT_X86_64 = 155
_POWER_OFF = 0x4321FEDC

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result == 0:
        return
    errno = ctypes.get_errno()
    raise OSError(errno, f"{what}: {os.strerror(errno)}")


def mount(source, target, kind, flags=0, options=""):
    """Mounts `source` (a device, path or any word) on `target` as file system `kind`."""
    arguments = [os.fsencode(word) for word in (source, target, kind)]
    _checked(_libc.mount(*arguments, ctypes.c_ulong(flags), os.fsencode(options)), f"mount {kind} on {target}")


def unmount(target, flags=MNT_DETACH):
    """Takes a mount away; by default it vanishes from sight now and ends with its last user."""
    _checked(_libc.umount2(os.fsencode(target), flags), f"unmount {target}")


def pivot_root(new_root, put_old):
    """Makes `new_root` the root of everybody, the kernel's own helpers (modprobe) included."""
    _checked(_libc.syscall(_PIVOT_ROOT_X86_64, os.fsencode(new_root), os.fsencode(put_old)), f"pivot_root {new_root}")


def setns(descriptor, kind=CLONE_NEWNET):
    """Moves the calling thread (no other one) into a namespace."""
    _checked(_libc.setns(descriptor, kind), "setns")


def unshare(kinds):
    """Gives the calling thread fresh namespaces."""
    _checked(_libc.unshare(kinds), "unshare")


def die_with_parent(signal_number):
    """Has this process receive a signal when the thread that started it ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl PR_SET_PDEATHSIG")


def power_off():
    """Ends the machine; needs no shell and no init system."""
    _checked(_libc.reboot(_POWER_OFF), "reboot")
