#!/usr/bin/env bash
# pysaml2 7.5.5, python3-saml 1.16.0, social-auth-core 7.0.0 (PyPI), @node-saml/node-saml 5.1.0 and samlify 2.13.1
# (npm): one eduPersonTargetedID is a text, a dict, a dict's Python text, a tree of XML, or an empty list.
#
# Universities name a person towards a service by this SAML attribute. Its value is not text but an element: a
# NameID with the identity provider and the service that it is for (NameQualifier, SPNameQualifier). The three
# together are the id: another identity provider may use the same text for another person.
#   - pysaml2 gives the text alone and no qualifier, as if the value had been plain text;
#   - python3-saml gives a dict without SPNameQualifier, which it does keep for the subject's NameID;
#   - social-auth-core stands on python3-saml. If its setting `attr_user_permanent_id` names this attribute, the
#     account's uid is that dict as Python prints it: a release of either library that adds a key to it, or orders
#     the keys in another way, makes another uid of each account;
#   - node-saml gives the tree of its XML reader, with a list and keys named "_" and "$";
#   - samlify gives an empty list, as for an attribute without a value.
# The attribute's successor pairwise-id is plain text, and the same text in all five.
#
# What callers of identity-link should do: make the subject of the three parts, as
# NameQualifier!SPNameQualifier!text, which many programs do already; read a part that the library has lost from
# the assertion itself. Parse a stored uid of social-auth-core that has "{'NameID'" in it before an import. Ask new
# identity providers for pairwise-id or subject-id.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @node-saml/node-saml@5.1.0 samlify@2.13.1 xml-crypto@6.3.2 &
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-warn-conflicts \
  --root-user-action ignore --target python pysaml2==7.5.5 python3-saml==1.16.0 social-auth-core==7.0.0
wait "$!"

cat > response.xml <<'XML'
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0"
 IssueInstant="2026-01-01T00:00:00Z"><samlp:Status><samlp:StatusCode
 Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0"
 IssueInstant="2026-01-01T00:00:00Z"><saml:Issuer>urn:idp</saml:Issuer><saml:Subject><saml:NameID
 Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
 SPNameQualifier="urn:app">_1</saml:NameID></saml:Subject><saml:AttributeStatement>
<saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"
 NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue><saml:NameID
 Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="urn:idp"
 SPNameQualifier="urn:app">k7Qd0</saml:NameID></saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="urn:oasis:names:tc:SAML:attribute:pairwise-id"
 NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue
>k7qd0@idp.example</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion></samlp:Response>
XML

cat > run.py <<'PY'
import base64

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from saml2.attribute_converter import ac_factory, to_local
from saml2.samlp import response_from_string
from social_core.backends.saml import SAMLAuth

TARGETED, PAIRWISE = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "urn:oasis:names:tc:SAML:attribute:pairwise-id"
xml = open("response.xml").read()


def show(name, targeted, pairwise):
    print(f"{name}: {targeted}".replace("urn:oasis:names:tc:SAML:2.0:nameid-format:", ""))
    print(f"{name}, pairwise-id: {pairwise}")



local = to_local(ac_factory(), response_from_string(xml).assertion[0].attribute_statement[0])
show("pysaml2", local["eduPersonTargetedID"], local["pairwise-id"])

idp = {"entityId": "urn:idp", "singleSignOnService": {"url": "https://idp.example/"}, "x509cert": "x"}
app = {"entityId": "urn:app", "assertionConsumerService": {"url": "https://app.example/"}}
response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings({"strict": False, "sp": app, "idp": idp}),
                                   base64.b64encode(xml.encode()).decode())
attributes = response.get_attributes()
show("python3-saml", attributes[TARGETED], attributes[PAIRWISE])
print(f"python3-saml, subject's NameID: {sorted(response.get_nameid_data())}")


class Strategy:
    def __init__(self, permanent_id):
        self.permanent_id = permanent_id

    def setting(self, name, default=None, backend=None):
        uni = {"entity_id": "urn:idp", "url": "https://idp.example/", "x509cert": "x",
               "attr_user_permanent_id": self.permanent_id}
        return {"ENABLED_IDPS": {"uni": uni}}.get(name.replace("SOCIAL_AUTH_SAML_", ""), default)

    def request_data(self):
        return {}

    def absolute_uri(self, path):
        return path


uids = [SAMLAuth(Strategy(key)).get_user_id({}, {"idp_name": "uni", "attributes": attributes})
        for key in [TARGETED, PAIRWISE]]
show("social-auth-core", *uids)
PY

cat > run.js <<'JS'
const fs = require('fs');
const { SAML } = require('@node-saml/node-saml');
const { Extractor } = require('samlify');
const { SignedXml } = require('xml-crypto');

const targeted = 'urn:oid:1.3.6.1.4.1.5923.1.1.1.10';
const pairwise = 'urn:oasis:names:tc:SAML:attribute:pairwise-id';
const show = (name, attributes) => {
  const text = JSON.stringify(attributes[targeted]).replace(/"Format":"[^"]*",/, '');
  console.log(`${name}: ${text}`);
  console.log(`${name}, pairwise-id: ${attributes[pairwise]}`);
};
const xml = fs.readFileSync('response.xml', 'utf8').trim();
const [assertion] = xml.match(/<saml:Assertion.*<\/saml:Assertion>/s);
show('samlify', Extractor.extract(xml, Extractor.loginResponseFields(assertion)).attributes);

const xpath = "//*[local-name(.)='Assertion']";
const canonical = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const signed = new SignedXml({ privateKey: fs.readFileSync('key.pem'), canonicalizationAlgorithm: canonical,
  signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256' });
signed.addReference({ xpath, digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', canonical] });
signed.computeSignature(xml, { location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' } });
const saml = new SAML({ callbackUrl: 'https://app.example/', issuer: 'urn:app', audience: false,
  idpCert: fs.readFileSync('certificate.pem', 'utf8'), wantAuthnResponseSigned: false });
saml.validatePostResponseAsync({ SAMLResponse: Buffer.from(signed.getSignedXml()).toString('base64') })
  .then(({ profile }) => show('node-saml', profile.attributes));
JS
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 30 -subj /CN=idp 2>/dev/null
{
  PYTHONPATH=python python3 -W ignore run.py
  node run.js
} | tee seen.txt

cat > expected.txt <<'TXT'
pysaml2: ['k7Qd0']
pysaml2, pairwise-id: ['k7qd0@idp.example']
python3-saml: [{'NameID': {'Format': 'persistent', 'NameQualifier': 'urn:idp', 'value': 'k7Qd0'}}]
python3-saml, pairwise-id: ['k7qd0@idp.example']
python3-saml, subject's NameID: ['Format', 'SPNameQualifier', 'Value']
social-auth-core: uni:{'NameID': {'Format': 'persistent', 'NameQualifier': 'urn:idp', 'value': 'k7Qd0'}}
social-auth-core, pairwise-id: uni:k7qd0@idp.example
samlify: []
samlify, pairwise-id: k7qd0@idp.example
node-saml: {"NameID":[{"_":"k7Qd0","$":{"NameQualifier":"urn:idp","SPNameQualifier":"urn:app"}}]}
node-saml, pairwise-id: k7qd0@idp.example
TXT
diff expected.txt seen.txt
echo "pysaml2, python3-saml, social-auth-core, samlify and node-saml still behave so"
