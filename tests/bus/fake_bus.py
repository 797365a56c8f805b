#!/usr/bin/python3
"""fake_bus.py SOCKET STEP: a message bus, and systemd behind it, that give up at a step.

STEP is "good", or one of accept, auth and the members Hello, AddMatch, StartTransientUnit and job (the
end of systemd's job), with -close, -stall, -error, -wrong (an answer of another type), -cut (half an
answer) or, for the job, -failed. Prints "ready" when it can be called.
"""
import os
import select
import socket
import struct
import sys

CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
HOSTILE = "evil\nlxcri: all is well\x1b[2J\u202e"
JOB = "/org/freedesktop/systemd1/job/1"


def align(data, size):
    return data + b"\0" * (-len(data) % size)


def string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def signature(text):
    return bytes([len(text)]) + text.encode() + b"\0"


def message(kind, serial, fields, body=b"", types=""):
    """fields: (code, type, value) of the header, as the D-Bus specification numbers them."""
    if types:
        fields = fields + [(8, "g", types)]
    array = b""
    for code, kind_of, value in fields:
        array = align(array, 8) + bytes([code]) + signature(kind_of)
        if kind_of in "so":
            array = align(array, 4) + string(value)
        elif kind_of == "u":
            array = align(array, 4) + struct.pack("<I", value)
        else:
            array += signature(value)
    head = b"l" + bytes([kind, 0, 1]) + struct.pack("<III", len(body), serial, len(array)) + array
    return align(head, 8) + body


def take_call(data):
    """(length, serial, member) of the first message in there, or None when it is not whole."""
    if len(data) < 16:
        return None
    body, serial, array = struct.unpack_from("<III", data, 4)
    length = 16 + array + (-array % 8) + body
    if len(data) < length:
        return None
    member, at = "", 16
    while at < 16 + array:
        at += -at % 8
        code, size = data[at], data[at + 1]
        kind = data[at + 2 : at + 2 + size].decode()
        at += 3 + size
        if kind in ("s", "o"):
            at += -at % 4
            size = struct.unpack_from("<I", data, at)[0]
            if code == 3:
                member = data[at + 4 : at + 4 + size].decode()
            at += 5 + size
        elif kind == "u":
            at += -at % 4 + 4
        else:
            at += 2 + data[at]
    return length, serial, member


class Bus:
    def __init__(self, connection, step):
        self.connection, self.step, self.serial = connection, step, 0

    def gives_up(self, place):
        """Closing ends the connection; a stall lasts until the other side goes."""
        if self.step == place + "-close":
            return True
        if self.step == place + "-stall":
            while select.select([self.connection], [], []) and self.connection.recv(65536):
                pass
            return True
        return False

    def send(self, kind, fields, body=b"", types="", cut=0):
        self.serial += 1
        data = message(kind, self.serial, fields, body, types)
        self.connection.sendall(data[: len(data) - cut])

    def authenticate(self):
        """What is left of the data behind the handshake; None when this was the end."""
        data = b""
        while True:
            more = self.connection.recv(65536)
            if not more:
                return None
            data = (data + more).lstrip(b"\0")
            while b"\r\n" in data:
                line, data = data.split(b"\r\n", 1)
                if line.startswith(b"AUTH"):
                    if self.gives_up("auth"):
                        return None
                    if self.step == "auth-error":
                        self.connection.sendall(b"REJECTED NONE\r\n")
                    else:
                        self.connection.sendall(b"DATA\r\n")
                elif line.startswith(b"DATA"):
                    self.connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
                elif line.startswith(b"NEGOTIATE"):
                    self.connection.sendall(b"AGREE_UNIX_FD\r\n")
                elif line.startswith(b"BEGIN"):
                    return data

    def finish_job(self):
        if self.gives_up("job"):
            return False
        result = {"job-failed": "failed", "job-error": HOSTILE}.get(self.step, "done")
        body = align(struct.pack("<I", 1) + string(JOB), 4) + string("x.scope")
        body = align(body, 4) + string(result)
        manager = "org.freedesktop.systemd1.Manager"
        fields = [(1, "o", "/org/freedesktop/systemd1"), (2, "s", manager), (3, "s", "JobRemoved")]
        self.send(SIGNAL, fields + [(7, "s", "org.freedesktop.systemd1")], body, "uoss")
        return True

    def answer(self, serial, member):
        """False when this was the end."""
        if self.gives_up(member):
            return False
        to = [(5, "u", serial), (7, "s", ":1.0" if "Unit" in member else "org.freedesktop.DBus")]
        if self.step == member + "-error":
            name = (4, "s", "org.freedesktop.DBus.Error.Failed")
            self.send(ERROR, to + [name], string(HOSTILE), "s")
        elif self.step == member + "-wrong":
            self.send(REPLY, to, struct.pack("<I", 7), "u")
        elif self.step == member + "-cut":
            self.send(REPLY, to, string("x"), "s", cut=3)
        elif member == "Hello":
            self.send(REPLY, to, string(":1.1"), "s")
        elif member in ("StartTransientUnit", "StopUnit"):
            self.send(REPLY, to, string(JOB), "o")
            return self.finish_job()
        else:
            self.send(REPLY, to)
        return True

    def serve(self):
        if self.gives_up("accept"):
            return
        if self.step == "accept-wrong":
            self.connection.sendall(b"\xff\x00garbage\r\n" * 1000)
        data = self.authenticate()
        while data is not None:
            call = take_call(data)
            if call is None:
                more = self.connection.recv(65536)
                if not more:
                    return
                data += more
                continue
            length, serial, member = call
            data = data[length:]
            if not self.answer(serial, member):
                return


def main():
    path, step = sys.argv[1:]
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    os.chmod(path, 0o777)
    listening.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listening.accept()
        try:
            Bus(connection, step).serve()
        except OSError:
            pass  # the other side has gone
        connection.close()


main()
