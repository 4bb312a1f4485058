# LemonLDAP::NG, as Debian's package installs it, whose portal listens on a port of its own.
import json
import os
import pathlib
import tempfile
import urllib.request

from harness import GIVEN, free_port, program, until_it_answers

base = f"http://127.0.0.1:{free_port()}"
issuer = f"{base}/"


def relying_party(client):
    options = {
        **{"ClientID": client["client_id"], "ClientSecret": client["client_secret"]},
        **{"RedirectUris": " ".join(client["redirect_uris"]), "DisplayName": "shop"},
        **{"IDTokenSignAlg": "RS256", "RequirePKCE": 1, "BypassConsent": 1, "AllowOffline": 1},
        **{"IDTokenExpiration": 3600, "AccessTokenExpiration": 3600},
    }
    return {f"oidcRPMetaDataOptions{name}": value for name, value in options.items()}


def settings(folder):
    parties = {f"rp{n}": relying_party(client) for n, client in enumerate(GIVEN["clients"])}
    claims = {"name": "cn", "email": "mail", "email_verified": "verified;bool;never"}
    return {
        **{"portal": issuer, "domain": "127.0.0.1", "securedCookie": 0},
        **{"authentication": "Demo", "userDB": "Same", "passwordDB": "Null", "registerDB": "Null"},
        "demoExportedVars": {name: name for name in ["uid", "cn", "mail", "verified"]},
        "globalStorage": "Apache::Session::File",
        "globalStorageOptions": {"Directory": f"{folder}/sessions", "LockDirectory": f"{folder}/locks"},
        "issuerDBOpenIDConnectActivation": 1,
        "oidcRPMetaDataOptions": parties,
        "oidcRPMetaDataExportedVars": {name: claims for name in parties},
    }


# It is deleted with this object, at the end of the process. If the process is killed, a little is left.
folder = tempfile.TemporaryDirectory()
for name in ["sessions", "locks"]:
    os.mkdir(f"{folder.name}/{name}")
configuration = json.loads(pathlib.Path("/var/lib/lemonldap-ng/conf/lmConf-1.json").read_text())
pathlib.Path(folder.name, "lmConf-1.json").write_text(json.dumps(configuration | settings(folder.name)))
given = {"accounts": GIVEN["accounts"], "folder": folder.name}
port = base.rsplit(":", 1)[1]
portal = pathlib.Path(__file__).with_name("portal.psgi")
command = ["plackup", "--host", "127.0.0.1", "--port", port, "--env", "deployment", portal]
process = program(command, os.environ | {"GIVEN": json.dumps(given)})
until_it_answers(f"{base}/.well-known/openid-configuration", process)


def application(environ, start_response):
    # The portal itself replaces its key.
    urllib.request.urlopen(base + environ["PATH_INFO"]).read()
    start_response("204 No Content", [])
    return []
