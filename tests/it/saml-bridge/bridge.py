# A SAML identity provider made of pysaml2, and SATOSA as the bridge between it and OpenID Connect, each on a port of
# its own. The one argument is JSON: `client_id`, `client_secret`, `redirect_uris`, `salt`, and `people`: the attributes
# of each account by its name. It prints the issuer, and
# the file of the authority of its certificate.
import base64
import html
import json
import os
import ssl
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT
from saml2.server import Server
from satosa.proxy_server import make_app
from satosa.satosa_config import SATOSAConfig

wanted = json.loads(sys.argv[1])
folder = tempfile.mkdtemp()
parent = os.getppid()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def path(name, text):
    file = os.path.join(folder, name)
    with open(file, "w") as out:
        out.write(text)
    return file


def authority():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    ca = x509.BasicConstraints(ca=True, path_length=None)
    return key, certified(name, name, key.public_key(), key, [(ca, True)])


def certified(subject, issuer, key, signer, extensions):
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(days=1))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_and_certificate(name):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = certified(subject, authority_certificate.subject, key.public_key(), authority_key, [(here, False)])
    kind = serialization.PrivateFormat.TraditionalOpenSSL
    text = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()
    return path(f"{name}.key", text), path(f"{name}.crt", pem(signed))


def listening():
    server = make_server("127.0.0.1", 0, None, handler_class=Quiet)
    return server, f"127.0.0.1:{server.server_port}"


authority_key, authority_certificate = authority()
authority_file = path("authority.crt", pem(authority_certificate))
idp_server, idp_url = listening()
bridge_server, bridge_url = listening()
# pyop, on which SATOSA stands, refuses an issuer without TLS.
idp_url, bridge_url = f"http://{idp_url}", f"https://{bridge_url}"

# The identity provider: it asks for a name, and believes it.
idp_key, idp_certificate = key_and_certificate("idp")
idp_settings = {
    "entityid": f"{idp_url}/metadata",
    "service": {
        "idp": {
            "endpoints": {"single_sign_on_service": [(f"{idp_url}/sso", BINDING_HTTP_REDIRECT)]},
            "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            "sign_response": True,
            "sign_assertion": True,
            "want_authn_requests_signed": False,
        }
    },
    "key_file": idp_key,
    "cert_file": idp_certificate,
    "xmlsec_binary": "/usr/bin/xmlsec1",
}
idp_metadata = path("idp.xml", str(entity_descriptor(IdPConfig().load(dict(idp_settings)))))

# The bridge.
bridge_key, bridge_certificate = key_and_certificate("bridge")
backend = {
    "module": "satosa.backends.saml2.SAMLBackend",
    "name": "Saml2",
    "config": {
        "sp_config": {
            "key_file": bridge_key,
            "cert_file": bridge_certificate,
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "entityid": f"{bridge_url}/Saml2/metadata",
            "metadata": {"local": [idp_metadata]},
            "allow_unknown_attributes": True,
            "service": {
                "sp": {
                    "want_response_signed": False,
                    "want_assertions_signed": True,
                    "allow_unsolicited": False,
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                    "endpoints": {
                        "assertion_consumer_service": [[f"{bridge_url}/Saml2/acs/post", BINDING_HTTP_POST]]
                    },
                }
            },
        }
    },
}
client = {
    "client_secret": wanted["client_secret"],
    "redirect_uris": wanted["redirect_uris"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "subject_type": "pairwise",
}
frontend = {
    "module": "satosa.frontends.openid_connect.OpenIDConnectFrontend",
    "name": "OIDC",
    "config": {
        "signing_key_path": bridge_key,
        "signing_key_id": "1",
        "client_db_path": path("clients.json", json.dumps({wanted["client_id"]: client})),
        "provider": {
            "client_registration_supported": False,
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid", "email", "profile"],
        },
    },
}
if wanted.get("salt"):
    frontend["config"]["sub_hash_salt"] = wanted["salt"]
attributes = {
    "attributes": {
        "mail": {"openid": ["email"], "saml": ["mail"]},
        "name": {"openid": ["name"], "saml": ["displayName"]},
    }
}
settings = {
    "BASE": bridge_url,
    "COOKIE_STATE_NAME": "bridge",
    "CONTEXT_STATE_DELETE": True,
    "STATE_ENCRYPTION_KEY": "state-of-the-bridge",
    "INTERNAL_ATTRIBUTES": path("attributes.yaml", json.dumps(attributes)),
    "BACKEND_MODULES": [path("backend.yaml", json.dumps(backend))],
    "FRONTEND_MODULES": [path("frontend.yaml", json.dumps(frontend))],
    "MICRO_SERVICES": [],
    "LOGGING": {"version": 1},
}
bridge_server.set_app(make_app(SATOSAConfig(path("proxy.yaml", json.dumps(settings)))))

from saml2.config import SPConfig  # noqa: E402

sp_metadata = path("sp.xml", str(entity_descriptor(SPConfig().load(dict(backend["config"]["sp_config"])))))
idp = Server(config=IdPConfig().load({**idp_settings, "metadata": {"local": [sp_metadata]}}))


def page(start_response, action, hidden, button):
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}"/>' for name, value in hidden.items()
    )
    text = f'<html><body><form method="post" action="{action}">{fields}{button}</form></body></html>'
    start_response("200 OK", [("content-type", "text/html")])
    return [text.encode()]


def answer(environ, start_response):
    if environ["PATH_INFO"] == "/sso":
        query = parse_qs(environ["QUERY_STRING"])
        hidden = {name: query[name][0] for name in ("SAMLRequest", "RelayState")}
        return page(start_response, f"{idp_url}/login", hidden, '<input type="text" name="login"/>')
    form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    request = idp.parse_authn_request(form["SAMLRequest"][0], BINDING_HTTP_REDIRECT).message
    person = form["login"][0]
    where = idp.response_args(request)
    # The persistent name of the person for this service provider (SAML 2.0 Core §8.3.7).
    name = idp.ident.persistent_nameid(person, sp_name_qualifier=where["sp_entity_id"], name_qualifier="")
    if wanted.get("name_ids"):
        name.text = wanted["name_ids"][person]
    response = idp.create_authn_response(
        identity=wanted["people"][person],
        userid=person,
        name_id=name,
        authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
        sign_assertion=True,
        sign_response=True,
        in_response_to=where["in_response_to"],
        destination=where["destination"],
        sp_entity_id=where["sp_entity_id"],
    )
    sent = base64.b64encode(str(response).encode()).decode()
    hidden = {"SAMLResponse": sent, "RelayState": form["RelayState"][0]}
    return page(start_response, where["destination"], hidden, "")


idp_server.set_app(answer)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(bridge_certificate, bridge_key)
bridge_server.socket = tls.wrap_socket(bridge_server.socket, server_side=True)
for server in (idp_server, bridge_server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"issuer {bridge_url} {authority_file}", flush=True)
# The servers end with the test that started them, even if that test is killed.
while os.getppid() == parent:
    threading.Event().wait(1)
