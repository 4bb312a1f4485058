# The process around a provider in Python: a port of its own, the settings of the test, and an end with the test. Its
# one argument is JSON: `clients`, `accounts` (claims by subject). The module `provider` is the provider itself: its
# `application`, and its `issuer` if that is not `ORIGIN`.
import json
import os
import sys
import threading
import time
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
