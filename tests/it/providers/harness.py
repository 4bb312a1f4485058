# The process around a provider in Python: a port of its own, the settings of the test, and an end with the test. Its
# one argument is JSON: `clients`, `accounts` (claims by subject). The module `provider` is the provider itself: its
# `application`, and its `issuer` if that is not `ORIGIN`.
import ctypes
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

GIVEN = json.loads(sys.argv[1])


class Server(WSGIServer):
    def server_bind(self):
        # Without the look-up of the machine's name, which may take seconds.
        self.server_name = "127.0.0.1"
        self.socket.bind(self.server_address)
        self.server_port = self.socket.getsockname()[1]
        self.setup_environ()


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


server = Server(("127.0.0.1", 0), Quiet)
ORIGIN = f"http://127.0.0.1:{server.server_port}"


def new_key():
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def free_port():
    # For a program that cannot choose one by itself.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(command, environment):
    # A provider that is a program of its own. The kernel ends it with this process: prctl(2), PR_SET_PDEATHSIG. A script
    # can pass this signal on to what it started.
    libc = ctypes.CDLL(None)
    end = functools.partial(libc.prctl, 1, signal.SIGTERM)
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, preexec_fn=end)


def until_it_answers(url, process):
    while process.poll() is None:
        try:
            return urllib.request.urlopen(url).read()
        except urllib.error.URLError:
            time.sleep(0.2)
    raise SystemExit("the provider's program has ended")


def end_with(parent):
    # The provider ends with the test that started it, even if that test is killed.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def run():
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    import provider

    server.set_app(provider.application)
    print(f"issuer {getattr(provider, 'issuer', ORIGIN)} {ORIGIN}", flush=True)
    server.serve_forever()
