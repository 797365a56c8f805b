#!/usr/bin/env python3
"""A virtual machine for tests: QEMU without hardware support, one boot for many runs.

  vm.py snapshot IMAGE     boots IMAGE/{vmlinux,initrd.cpio,disk.ext4} and keeps memory and disk of
                           the moment when it is ready, unless that is there already
  vm.py run IMAGE SHARE    goes on from there: SHARE is /share inside, SHARE/command runs as root

The exit status of `run` is that of the command; 124: it took longer than LXCRI_VM_TIMEOUT seconds
(1500), 125: the machine died. The same are those of `snapshot`, whose limit is LXCRI_VM_BOOT_TIMEOUT
(300). What is written to the disk inside is forgotten.
"""
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CPUS = "2"
MEMORY = "2G"
QEMU = "qemu-system-x86_64"
# No 5-level paging: the emulator walks the page tables.
CPU = "max,-la57"
ACCELERATOR = "tcg,thread=multi,tb-size=512"
# What costs an emulated processor most, and what would stumble over a clock that stands still
# between snapshot and run.
KERNEL = (
    "console=ttyS0 panic=-1 quiet systemd.show_status=0 net.ifnames=0 mitigations=off "
    "init_on_alloc=0 nokaslr randomize_kstack_offset=off hardened_usercopy=off nowatchdog "
    "rcupdate.rcu_expedited=1 tsc=reliable no_timer_check random.trust_cpu=on"
)
TIMED_OUT = 124
DIED = 125
START_TIMEOUT = 60


def limit(name, default):
    """A setting, in seconds."""
    text = os.environ.get(name, default)
    try:
        return float(text)
    except ValueError:
        sys.exit(f"vm.py: {name}: expected a number of seconds, got {text!r}")


def virtiofsd(share, options):
    """The command line: QEMU's own program until Debian 12, one of its own since."""
    source = os.path.realpath(share)
    old = "/usr/lib/qemu/virtiofsd"
    if os.access(old, os.X_OK):
        return [old, *options, "-o", f"source={source}", "-o", "sandbox=chroot", "-o", "cache=auto",
                "-o", "writeback", "-o", "xattr", "-o", "no_posix_lock"]
    new = "/usr/libexec/virtiofsd"
    if os.access(new, os.X_OK):
        return [new, *options, "--shared-dir", source, "--sandbox", "chroot", "--cache", "auto",
                "--writeback", "--xattr"]
    sys.exit("vm.py: there is no virtiofsd")


def memory_directory(image):
    """Where guest memory lies as a file: in memory, when there is room for it."""
    for path in ("/dev/shm", image):
        free = os.statvfs(path)
        if free.f_bavail * free.f_frsize > 3 << 30:
            return path
    sys.exit("vm.py: no room for the memory of the machine (3 GiB)")


def snapshot_key(image):
    """A snapshot is of one image, one emulator, and one sort of processor: its clock counts this
    machine's ticks."""
    version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        processor = [line for line in file if line.startswith(("model name", "flags"))][:2]
    files = [
        (name, os.stat(f"{image}/{name}").st_size, os.stat(f"{image}/{name}").st_mtime_ns)
        for name in ("vmlinux", "initrd.cpio", "disk.ext4")
    ]
    with open(__file__, encoding="utf-8") as file:
        program = file.read()
    return hashlib.sha256(repr((version, processor, files, program)).encode()).hexdigest()


class Line:
    """A socket of QEMU that speaks in lines."""

    def __init__(self, path, process):
        self.socket = socket.socket(socket.AF_UNIX)
        self.rest = b""
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                return self.socket.connect(path)
            except OSError:
                # Nothing tells when QEMU listens.
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit("vm.py: qemu did not start") from None
                time.sleep(0.01)

    def read(self, end):
        while b"\n" not in self.rest:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def write(self, text):
        self.socket.sendall((text + "\n").encode())


class Machine:
    def __init__(self, image, disk, share=None, memory=None):
        self.directory = tempfile.mkdtemp(prefix="lxcri-vm.", dir="/tmp")
        # Container tests beside this one look for files with "lxc" in their names.
        self.memory = f"{memory_directory(image)}/vm-test.{os.path.basename(self.directory)[9:]}.memory"
        self.qemu = None
        self.file_server = None
        try:
            if memory:
                subprocess.run(["cp", "--sparse=always", memory, self.memory], check=True)
            if share:
                self.start_file_server(share)
            self.start(image, disk, bool(memory))
        except BaseException:
            self.end()
            raise

    def start_file_server(self, share):
        with open(f"{self.directory}/virtiofsd.log", "w", encoding="utf-8") as log:
            self.file_server = subprocess.Popen(
                virtiofsd(share, [f"--socket-path={self.directory}/share"]),
                stdout=log, stderr=log)

    def start(self, image, disk, resume):
        command = [
            QEMU, "-nodefaults", "-display", "none", "-no-reboot",
            "-M", "pc,memory-backend=memory", "-m", MEMORY, "-smp", CPUS, "-cpu", CPU,
            "-accel", ACCELERATOR,
            # A file that is shared is not copied into the snapshot's stream.
            "-object",
            f"memory-backend-file,id=memory,size={MEMORY},share=on,mem-path={self.memory}",
            "-serial", "stdio",
            "-chardev", f"socket,id=agent,path={self.directory}/agent,server=on,wait=off",
            "-serial", "chardev:agent",
            "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
            "-kernel", f"{image}/vmlinux", "-initrd", f"{image}/initrd.cpio", "-append", KERNEL,
            "-drive", f"{disk},if=virtio,cache=unsafe,aio=threads",
            "-device", "virtio-rng-pci",
        ]
        if resume:
            command += ["-incoming", "defer"]
        self.qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.control = Line(f"{self.directory}/qmp", self.qemu)
        self.control.read(time.monotonic() + START_TIMEOUT)
        self.tell("qmp_capabilities")
        self.agent = Line(f"{self.directory}/agent", self.qemu)
        self.tell("migrate-set-capabilities",
                  capabilities=[{"capability": "x-ignore-shared", "state": True}])

    def tell(self, command, **arguments):
        self.control.write(json.dumps({"execute": command, "arguments": arguments}))
        while True:
            answer = json.loads(self.control.read(time.monotonic() + 60))
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f'{command}: {answer["error"]}')

    def wait_until_migrated(self):
        while True:
            status = self.tell("query-migrate").get("status")
            if status == "completed":
                return
            if status == "failed":
                raise RuntimeError("migration failed")
            time.sleep(0.01)

    def wait_until_ready(self, timeout):
        end = time.monotonic() + timeout
        while self.agent.read(end) != "READY":
            pass

    def save(self, state):
        self.tell("stop")
        self.tell("migrate", uri=f"exec:cat > {state}")
        self.wait_until_migrated()

    def resume(self, state):
        self.tell("migrate-incoming", uri=f"exec:cat {state}")
        self.wait_until_migrated()
        self.tell("cont")

    def run_command(self, timeout):
        self.tell("chardev-add", id="share", backend={
            "type": "socket",
            "data": {"addr": {"type": "unix", "data": {"path": f"{self.directory}/share"}},
                     "server": False}})
        self.tell("device_add", driver="vhost-user-fs-pci", chardev="share", tag="share", id="fs")
        self.agent.write(f"RUN {time.time():.3f} {secrets.token_hex(32)}")
        end = time.monotonic() + timeout
        while True:
            line = self.agent.read(end)
            if line.startswith("EXIT "):
                return int(line.split()[1])

    def end(self):
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
        if self.file_server:
            # It has a child in a sandbox that ends with the connection.
            self.file_server.terminate()
            try:
                self.file_server.wait(2)
            except subprocess.TimeoutExpired:
                self.file_server.kill()
                self.file_server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        if os.path.exists(self.memory):
            os.unlink(self.memory)


def make_snapshot(image):
    timeout = limit("LXCRI_VM_BOOT_TIMEOUT", "300")
    directory = f"{image}/snapshot"
    key = snapshot_key(image)
    if os.path.exists(f"{directory}/key"):
        with open(f"{directory}/key", encoding="utf-8") as file:
            if file.read() == key:
                return 0
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    disk = f"{directory}/disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                    "-b", os.path.realpath(f"{image}/disk.ext4"), disk], check=True)
    machine = Machine(image, f"file={disk},format=qcow2")
    try:
        machine.wait_until_ready(timeout)
        machine.save(f"{directory}/devices")
        subprocess.run(["cp", "--sparse=always", machine.memory, f"{directory}/memory"], check=True)
    except TimeoutError:
        print(f"vm.py: the machine is not ready after {timeout:g} seconds; LXCRI_VM_BOOT_TIMEOUT "
              "sets another limit", file=sys.stderr)
        return TIMED_OUT
    except (EOFError, ConnectionError):
        print("vm.py: the machine died before it was ready", file=sys.stderr)
        return DIED
    finally:
        machine.end()
    with open(f"{directory}/key", "w", encoding="utf-8") as file:
        file.write(key)
    return 0


def run(image, share):
    timeout = limit("LXCRI_VM_TIMEOUT", "1500")
    directory = f"{image}/snapshot"
    machine = Machine(image, f"file={directory}/disk.qcow2,format=qcow2,snapshot=on", share,
                      f"{directory}/memory")
    try:
        machine.resume(f"{directory}/devices")
        return machine.run_command(timeout)
    except TimeoutError:
        print(f"vm.py: the command has not ended after {timeout:g} seconds; LXCRI_VM_TIMEOUT sets "
              "another limit", file=sys.stderr)
        return TIMED_OUT
    except (EOFError, ConnectionError):
        print("vm.py: the machine died", file=sys.stderr)
        return DIED
    finally:
        machine.end()


# Ended from outside it has to take the machine with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(TIMED_OUT))
if len(sys.argv) == 3 and sys.argv[1] == "snapshot":
    sys.exit(make_snapshot(sys.argv[2]))
elif len(sys.argv) == 4 and sys.argv[1] == "run":
    sys.exit(run(sys.argv[2], sys.argv[3]))
else:
    sys.exit(__doc__)
