# A person's browser: it opens a URL, signs in under a name at the identity provider, sends each form on, and prints the
# query with which the bridge sends it back. The arguments: the URL, the name, the redirect URI, and the file of the
# authority of the bridge's certificate.
import html
import re
import sys
from urllib.parse import urljoin

import requests

url, name, redirect_uri, authority = sys.argv[1:]
cookies = {}


def go(method, url, data=None):
    while True:
        # The bridge's cookie is Secure; the identity provider has none.
        response = requests.request(
            method, url, data=data, cookies=cookies, allow_redirects=False, verify=authority, timeout=30
        )
        cookies.update(response.cookies.get_dict())
        if response.status_code not in (302, 303):
            return response
        method, data, url = "GET", None, urljoin(url, response.headers["location"])
        if url.startswith(redirect_uri + "?"):
            print(url.split("?", 1)[1])
            sys.exit()


response = go("GET", url)
for _ in range(5):
    response.raise_for_status()
    action = html.unescape(re.search(r'action="([^"]+)"', response.text).group(1))
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', response.text)
    form = {field: html.unescape(value) for field, value in hidden}
    if 'name="login"' in response.text:
        form["login"] = name
    response = go("POST", urljoin(response.url, action), form)
sys.exit(f"the browser never came back: {response.text[:300]}")
