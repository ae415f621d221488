"""A machine of its own with a running systemd: a container over a copy of this machine's root, in which Weir is installed as
README.md says. It shares the network; what is written there is gone with it."""
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from weir import BIN, CONSUMERS, eventually, known_of

UNITS = [*(f"weir-{name}@0" for name in CONSUMERS), "weir-infer"]
BOOT_S = 60
COMMAND_S = 120


def sections(settings):
    """-> the text of a configuration file."""
    lines = []
    for key, value in sorted(settings.items()):
        section, name = key.split(".", 1)
        if f"[{section}]" not in lines:
            lines.append(f"[{section}]")
        lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


class Machine:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="weir-machine-"))
        self.root, self.console = self.folder / "root", self.folder / "console.log"
        self._mount()
        self._forget_this_machine()
        host("cmake", "--install", BIN.parent, "--prefix", self.root / "usr/local")
        self.container = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "-D", self.root, "-b"],
            stdin=subprocess.DEVNULL, stdout=self.console.open("wb"), stderr=subprocess.STDOUT, start_new_session=True)
        eventually(self._booted, BOOT_S)

    def _mount(self):
        """Overlays cannot lie on overlays: what is written goes into memory."""
        layers, changes = self.folder / "layers", self.folder / "layers/changes"
        layers.mkdir()
        host("mount", "-t", "tmpfs", "tmpfs", layers)
        for folder in (changes, layers / "work", self.root):
            folder.mkdir()
        host("mount", "-t", "overlay", "overlay", self.root,
             "-o", f"lowerdir=/,upperdir={changes},workdir={layers / 'work'}")

    def _forget_this_machine(self):
        """Neither its file systems nor its services are to be started again."""
        (self.root / "etc/machine-id").write_text("")
        (self.root / "etc/fstab").write_text("")
        for link in (self.root / "etc/systemd/system").glob("*.target.wants/*"):
            link.unlink()

    def _booted(self):
        assert self.container.poll() is None, self.console.read_text()
        with suppress(IndexError):
            assert self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")
            return
        raise AssertionError("no systemd yet")

    def _init(self):
        children = Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children").read_text().split()
        return children[0]

    def run(self, *command, check=True):
        """-> what a command in there said."""
        done = subprocess.run(["nsenter", "-t", self._init(), "-m", "-u", "-i", "-p", "-C", *map(str, command)],
                              capture_output=True, text=True, timeout=COMMAND_S, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, settings):
        """/etc/weir/*.conf; a program gets the keys that it knows."""
        folder = self.root / "etc/weir"
        folder.mkdir(exist_ok=True)
        for example in (self.root / "usr/local/share/weir/config").iterdir():
            (folder / example.name).write_text(sections(known_of(f"weir-{example.stem}", settings)))

    def state(self, unit):
        """-> {"ActiveState": ...} as systemd has it"""
        said = self.run("systemctl", "show", unit, "-p", "ActiveState,Result,NRestarts,MainPID,ExecMainStatus")
        return dict(re.findall(r"^(\w+)=(.*)$", said, re.M))

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def end(self):
        self.run("systemctl", "poweroff", check=False)
        self.container.wait(BOOT_S)
        host("umount", self.root)
        host("umount", self.folder / "layers")
        shutil.rmtree(self.folder)


def host(*command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
