"""Users in bulk, done with Auth0's own client for Python: argv is the domain and a token. Prints what happened, a line
each. Its models refuse answers that are not as Auth0's."""

import gzip
import json
import sys
import urllib.request

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

DOMAIN, TOKEN = sys.argv[1:]


def say(what, value):
    print(f"{what}: {json.dumps(value, sort_keys=True)}")


def plain(job):
    value = json.loads(job.json())
    return {name: inner for name, inner in value.items() if name not in ("id", "created_at", "location")}


def main():
    jobs = ManagementClient(domain=DOMAIN, token=TOKEN).jobs

    def ended(job):
        while job.status in ("pending", "processing"):
            job = jobs.get(job.id)
        return job

    def imported(users, **more):
        file = ("users.json", json.dumps(users).encode(), "application/json")
        return jobs.users_imports.create(users=file, connection_id="sms", **more)

    job = ended(imported([{"user_id": "mara", "name": "Mara", "password": "x"}, {"name": "Jo"}]))
    say("imported", plain(job))
    say("its errors", [json.loads(entry.json()) for entry in jobs.errors.get(job.id)])
    try:
        imported([], upsert=True, send_completion_email=True)
    except ApiError as error:
        say("an upsert", [error.status_code, error.body.message if hasattr(error.body, "message") else error.body["message"]])

    job = ended(jobs.users_exports.create(format="csv", fields=[{"name": "user_id"}, {"name": "name"}]))
    say("exported", plain(job))
    with urllib.request.urlopen(job.location) as response:
        say("downloaded", gzip.decompress(response.read()).decode())


main()
