"""A rotator for KeyLease: makes and revokes keys of an OpenAI project by OpenAI's admin API. Standard library only.

KeyLease asks it by signed requests (the README's "Rotators" has the protocol). Each rotation gets a service account of the project, named
after it and the attempt, with one key. A request that comes again, since an answer was lost, finds the service account by that name, and
makes it anew: the provider shows a key only once. A request that was overtaken by a later one of its rotation, however long it was on its
way, is refused: what it would delete may be in use. So is one from before this process began, which can't know what was done until then.

    ROTATOR_LISTEN               where it listens, such as 127.0.0.1:8700; port 0 takes a free one
    ROTATOR_SIGNING_SECRET_FILE  what `keylease rotators set` printed: whsec_…
    ROTATOR_ADDRESS_FILE         optional: where it writes its address once it listens
    OPENAI_ADMIN_KEY_FILE        an admin key of the organisation
    OPENAI_PROJECT               the project, such as proj_abc
    OPENAI_ADMIN_URL             https://api.openai.com/v1 unless set

Put TLS before it: the answer carries a secret.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

BODY_BYTES_MAX = 64 * 1024
# Older requests are refused: somebody may have written them down.
AGE_SECONDS_MAX = 300
# Requests from before this process began are refused, and come again.
BEGAN = time.time()
# KeyLease waits for ten seconds.
PROVIDER_TIMEOUT_SECONDS = 4
# Requests of one rotation are done one after the other, however impatient KeyLease is: what is being made cannot be revoked.
TURNS = [threading.Lock() for _ in range(64)]
# Of each rotation the last attempt that was begun, whether it revoked, and when: for as long as a request may be on its way.
BEGUN = {}


class Overtaken(Exception):
    """A later request of the same rotation came first."""


def from_file(variable):
    """The one line of the file that a variable names."""
    with open(os.environ[variable], encoding="utf-8") as file:
        return file.read().strip()


class Project:
    """A project at OpenAI, by its admin API."""

    def __init__(self):
        base = os.environ.get("OPENAI_ADMIN_URL", "https://api.openai.com/v1").rstrip("/")
        project = urllib.parse.quote(os.environ["OPENAI_PROJECT"], safe="")
        self.url = f"{base}/organization/projects/{project}/service_accounts"

    def ask(self, method, path="", body=None):
        request = urllib.request.Request(self.url + path, method=method)
        # Read each time, so that it can be replaced without a restart.
        request.add_header("authorization", "Bearer " + from_file("OPENAI_ADMIN_KEY_FILE"))
        if body is not None:
            request.add_header("content-type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=PROVIDER_TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def create(self, name, attempt):
        """A new key; what earlier attempts made is deleted first."""
        before = self.named(name)
        if any(number >= attempt for _, number in before):
            raise Overtaken
        for reference, _ in before:
            self.delete(reference)
        made = self.ask("POST", body={"name": f"{name}.{attempt}"})
        return {"secret": made["api_key"]["value"], "reference": made["id"]}

    def delete(self, reference):
        try:
            self.ask("DELETE", "/" + urllib.parse.quote(reference, safe=""))
        except urllib.error.HTTPError as error:
            # What is gone is revoked.
            if error.code != 404:
                raise

    def named(self, name):
        """What was made under this name: references, and their attempts."""
        found, after = [], ""
        while True:
            page = self.ask("GET", "?limit=100" + after)
            for account in page["data"]:
                of, _, attempt = account["name"].partition(".")
                if of == name:
                    found.append((account["id"], int(attempt or 0)))
            if not page.get("has_more"):
                return found
            after = "&after=" + urllib.parse.quote(page["data"][-1]["id"], safe="")


def is_signed(headers, body):
    """As https://www.standardwebhooks.com has it."""
    secret = base64.b64decode(from_file("ROTATOR_SIGNING_SECRET_FILE").removeprefix("whsec_"))
    identity, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > AGE_SECONDS_MAX or int(sent) < BEGAN:
        return False
    signed = f"{identity}.{sent}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").encode()
    return any(hmac.compare_digest(signature, wanted) for signature in given.split(b" "))


def begin(rotation, attempt, is_revoking):
    """Notes an attempt, unless it was overtaken."""
    now = time.time()
    for old in [key for key, (_, _, then) in list(BEGUN.items()) if now - then > 2 * AGE_SECONDS_MAX]:
        BEGUN.pop(old, None)
    last, has_revoked, _ = BEGUN.get(rotation, (-1, False, now))
    if attempt <= last or (has_revoked and not is_revoking):
        raise Overtaken
    BEGUN[rotation] = (attempt, has_revoked or is_revoking, now)


def answer(asked):
    """What is done, and answered, to a request whose signature is good."""
    project, name = Project(), "keylease-" + asked["rotation"]
    attempt = asked.get("attempt", 0)
    begin(asked["rotation"], attempt, asked["action"] == "revoke")
    if asked["action"] == "create":
        return project.create(name, attempt)
    revoked = asked["revoke"]
    if revoked["reference"]:
        project.delete(revoked["reference"])
    elif revoked["version"] == asked["version"]:
        # The answer that made it was lost: it is known by its rotation.
        for reference, _ in project.named(name):
            project.delete(reference)
    else:
        # A person made it, who has to revoke it: KeyLease tells.
        return {"revoked": False}
    return {"revoked": True}


class Receiver(http.server.BaseHTTPRequestHandler):
    """One request at a time per connection; nothing that it says holds a secret."""

    timeout = 10

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX:
            return self.reply(413, {})
        body = self.rfile.read(length)
        if not is_signed(self.headers, body):
            return self.reply(401, {})
        try:
            asked = json.loads(body)
            with TURNS[hash(asked["rotation"]) % len(TURNS)]:
                said = answer(asked)
            return self.reply(200, said)
        except Overtaken:
            return self.reply(409, {})
        except urllib.error.HTTPError as error:
            print(f"the provider answered {error.code}", flush=True)
        except (OSError, KeyError, ValueError) as error:
            print(f"the provider cannot be asked: {type(error).__name__}", flush=True)
        # KeyLease asks again.
        return self.reply(502, {})

    def reply(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format, *args):
        print(f"{self.command} {args[1] if len(args) > 1 else ''}", flush=True)


def main():
    host, _, port = os.environ["ROTATOR_LISTEN"].rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Receiver)
    server.daemon_threads = True
    address_file = os.environ.get("ROTATOR_ADDRESS_FILE")
    if address_file:
        with open(address_file, "w", encoding="utf-8") as file:
            file.write("%s:%s\n" % server.server_address[:2])
    server.serve_forever()


if __name__ == "__main__":
    main()
