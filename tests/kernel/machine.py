"""A virtual machine with Debian's own kernel, whose files are this machine's, read-only."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

#: Where kernels are kept between runs.
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "kernel"
#: What the machine cannot begin without.
_BOOT = ("virtio_pci", "9pnet_virtio", "9p")
#: This machine's files, for the virtual one to read.
_ROOT = "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
#: What init.sh says when all is there and the job begins, and when it has ended.
BEGINS = "kernel-test: begins"
ENDED = "kernel-test: ended with "
#: Seconds until then, with KVM.
_AWAKE = 30.0
_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "apt-get": "apt",
    "dpkg": "dpkg",
}


class Unfit(Exception):
    """This machine cannot run the tests; the message says what is missing."""


def check_programs() -> None:
    """Raise Unfit unless all programs are there, on the processor that they are for."""
    if os.uname().machine != "x86_64":
        raise Unfit("the kernel test is for x86_64 alone")
    missing = [package for name, package in _PROGRAMS.items() if shutil.which(name) is None]
    if missing:
        raise Unfit(f"missing: apt-get install --no-install-recommends {' '.join(missing)}")


def fetch_kernel() -> Path:
    """The newest kernel of Debian stable, unpacked: the folder with ``boot`` and ``lib``.

    Raises:
        Unfit: it cannot be had.
    """
    asked = _run("apt-cache", "depends", "linux-image-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", asked)
    if found is None:
        raise Unfit("no package linux-image-amd64: this is for Debian; try apt-get update")
    folder = CACHE / found[1]
    if not (folder / "boot").is_dir():
        print(f"fetching {found[1]}", flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        _run("apt-get", "-qq", "download", found[1], folder=CACHE)
        package = next(CACHE.glob(f"{found[1]}_*.deb"))
        _run("dpkg", "-x", str(package), str(folder))
        package.unlink()
    return folder


def make_start(kernel: Path, folder: Path, drivers: Sequence[str], job: str) -> Path:
    """The files that the machine begins with, packed as the kernel takes them.

    Arguments:
        kernel: what ``fetch_kernel`` gave.
        folder: an empty folder to make them in.
        drivers: modules that the job loads itself: ``/run/modules/DRIVER`` names their files, in
            the order in which they have to be loaded.
        job: shell commands, run among this machine's files.
    """
    modules = _Modules(kernel)
    for name in ("bin", "modules"):
        (folder / name).mkdir()
    shutil.copy(shutil.which("busybox") or "busybox", folder / "bin/busybox")
    shutil.copy(Path(__file__).with_name("init.sh"), folder / "init")
    (folder / "init").chmod(0o755)
    (folder / "job.sh").write_text(job)
    boot = modules.copy(_BOOT, folder / "modules")
    (folder / "modules/boot").write_text("\n".join(boot))
    for driver in drivers:
        needed = [name for name in modules.copy([driver], folder / "modules") if name not in boot]
        (folder / "modules" / driver).write_text("\n".join(needed))
    packed = folder.with_suffix(".cpio")
    names = subprocess.run(["find", "."], cwd=folder, capture_output=True, check=True).stdout
    with packed.open("wb") as target:
        command = ["cpio", "--quiet", "-o", "-H", "newc"]
        subprocess.run(command, cwd=folder, input=names, stdout=target, check=True)
    return packed


def run_machine(kernel: Path, start: Path, seconds: float) -> Iterator[str]:
    """Boot it; the lines of its console from ``BEGINS`` on.

    With KVM, if that gives a sign of life, else emulated.

    Arguments:
        seconds: after which it is ended, with KVM; ten times as many without.

    Raises:
        Unfit: it does not boot.
    """
    said: list[str] = []
    for accelerator in ("kvm", "tcg") if os.access("/dev/kvm", os.R_OK | os.W_OK) else ("tcg",):
        slow = 10 if accelerator == "tcg" else 1
        print(f"booting {kernel.name} with {accelerator}", flush=True)
        with _Machine(kernel, start, accelerator) as machine:
            if machine.wait_for(BEGINS, _AWAKE * slow):
                yield from machine.lines(seconds * slow)
                return
            said = machine.said
    raise Unfit("the machine does not boot: " + " | ".join(said[-5:]))


class _Machine:
    """One start of qemu; a context manager that leaves none behind."""

    def __init__(self, kernel: Path, start: Path, accelerator: str) -> None:
        image = next((kernel / "boot").glob("vmlinuz-*"))
        # A processor that NumPy takes, and that virtual machines within others can give as well.
        self._command = ["qemu-system-x86_64", "-m", "1536", "-smp", "2", "-cpu", "Nehalem"]
        self._command += ["-accel", accelerator, "-nodefaults", "-display", "none", "-no-reboot"]
        self._command += ["-serial", "stdio", "-kernel", str(image), "-initrd", str(start)]
        self._command += ["-append", "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on"]
        self._command += ["-virtfs", _ROOT]

        #: All lines of its console.
        self.said: list[str] = []

    def __enter__(self) -> _Machine:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def wait_for(self, text: str, seconds: float) -> bool:
        """Whether a line with that text comes in so many seconds; if not, it is ended."""
        with contextlib.closing(self.lines(seconds)) as lines:
            return any(text in line for line in lines)

    def lines(self, seconds: float) -> Generator[str, None, None]:
        """Lines as they come, until it ends, which it does after so many seconds at the latest."""
        limit = threading.Timer(seconds, self._process.kill)
        limit.start()
        try:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self.said.append(line.decode(errors="replace").rstrip("\r\n"))
                yield self.said[-1]
        finally:
            limit.cancel()


def job_lines(folder: Path, *command: str) -> str:
    """A job that runs a command in a folder, with room for files of its own in ``/run/tmp``."""
    words = shlex.join(command)
    return f"cd {shlex.quote(str(folder))}\nexport HOME=/run TMPDIR=/run/tmp\nexec {words}\n"


class _Modules:
    """A kernel's modules, and what each of them needs."""

    def __init__(self, kernel: Path) -> None:
        folder = next((kernel / "lib/modules").iterdir())
        if not (folder / "modules.dep").exists():
            _run("busybox", "depmod", "-b", str(kernel), folder.name)
        self._folder = folder
        self._needs: dict[str, list[str]] = {}
        for line in (folder / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            self._needs[path] = needs.split()

    def copy(self, names: Sequence[str], target: Path) -> list[str]:
        """Copy modules and what they need; their files' names in the order of loading."""
        wanted: dict[str, None] = {}
        for name in names:
            path = next((each for each in self._needs if Path(each).stem == name), None)
            if path is None:
                raise Unfit(f"the kernel {self._folder.name} has no module {name}")
            self._collect(path, wanted)
        for path in wanted:
            shutil.copy(self._folder / path, target)
        return [Path(path).name for path in wanted]

    def _collect(self, path: str, wanted: dict[str, None]) -> None:
        for need in self._needs[path]:
            if need not in wanted:
                self._collect(need, wanted)
        wanted[path] = None


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
