"""An identity provider of pysaml2's Server class behind Python's own web server.

Pages and sessions are ours, SAML is pysaml2's. The first line of the output is the port. `POST /control` takes what to
change as JSON: our metadata, the key that signs, the certificates to publish, what to verify and encrypt.
"""

import html
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

PASSWORD_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BINDINGS = {"redirect": BINDING_HTTP_REDIRECT, "post": BINDING_HTTP_POST}
LOGIN_PAGE = (
    '<h1>Sign in</h1><form method="post" action="/login">'
    '<input type="email" name="login_email"><button>Sign in</button></form>'
)


class IdentityProvider:
    """What the pages share. Only `control` changes what pysaml2 is told."""

    def __init__(self, users, folder):
        self.users = {user["email"]: user for user in users}
        self.folder = folder
        self.sessions = {}
        self.origin = None
        self.state = {"metadata": None, "keys": None, "wantSigned": False, "encrypt": False}
        self.lock = threading.Lock()
        self.current = None

    def control(self, changes):
        with self.lock:
            self.state.update(changes)
            self.current = None

    @property
    def server(self):
        """pysaml2's server for the present state, made when it is needed, which takes a while."""
        with self.lock:
            if self.current is None:
                self.current = self._server()
            return self.current

    def _server(self):
        generation = tempfile.mkdtemp(dir=self.folder)
        published = self.state["keys"]["published"]
        files = [self._write(generation, f"{index}.crt", cert) for index, cert in enumerate(published)]
        endpoints = [(f"{self.origin}/sso", binding) for binding in BINDINGS.values()]
        logout = [(f"{self.origin}/slo", binding) for binding in BINDINGS.values()]
        settings = {
            "entityid": f"{self.origin}/idp",
            "key_file": self._write(generation, "signing.key", self.state["keys"]["signing"]),
            "cert_file": files[0],
            "additional_cert_files": files[1:],
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": endpoints, "single_logout_service": logout},
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                    "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                    "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
                    "want_authn_requests_signed": self.state["wantSigned"],
                    "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
                }
            },
        }
        if self.state["metadata"] is not None:
            settings["metadata"] = {"inline": [self.state["metadata"]]}
        return Server(config=IdPConfig().load(settings))

    @staticmethod
    def _write(folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def metadata(self):
        document = create_metadata_string(None, config=self.server.config)
        return document.decode() if isinstance(document, bytes) else document

    @property
    def sp(self):
        """Our entity ID: the one service provider that was loaded."""
        return next(iter(self.server.metadata.keys()))

    def name_id(self, user):
        return NameID(format=NAMEID_FORMAT_PERSISTENT, sp_name_qualifier=self.sp, text=f"subject-of-{user['firstName']}")

    def answer(self, session, message, acs, relay_state):
        """The page that carries the response to the request `message`, or to none."""
        user = session["user"]
        response = self.server.create_authn_response(
            {"mail": user["email"], "givenName": user["firstName"], "sn": user["lastName"]},
            message.id if message else None,
            acs,
            self.sp,
            name_id=self.name_id(user),
            authn={"class_ref": PASSWORD_CONTEXT, "authn_instant": session["authenticated_at"]},
            sign_response=True,
            sign_assertion=not self.state["encrypt"],
            encrypt_assertion=self.state["encrypt"],
        )
        found = str(response).split('SessionIndex="')
        session["index"] = found[1].split('"')[0] if len(found) > 1 else None
        return self._carry(BINDING_HTTP_POST, str(response), acs, relay_state, response=True)

    def answer_logout(self, session, message, binding, relay_state):
        redirect = binding == BINDING_HTTP_REDIRECT
        destination = next(iter(self.server.metadata.single_logout_service(self.sp, binding, "spsso")))["location"]
        response = self.server.create_logout_response(message, [binding], sign=not redirect)
        session.pop("user", None)
        return self._carry(binding, str(response), destination, relay_state, response=True, sign=redirect)

    def begin_logout(self, session, binding):
        redirect = binding == BINDING_HTTP_REDIRECT
        destination = next(iter(self.server.metadata.single_logout_service(self.sp, binding, "spsso")))["location"]
        user = session.pop("user")
        indexes = [session["index"]] if session.get("index") else None
        request_id, request = self.server.create_logout_request(
            destination, self.sp, name_id=self.name_id(user), session_indexes=indexes, sign=not redirect
        )
        session["asked"] = request_id
        return self._carry(binding, str(request), destination, "out", sign=redirect)

    def _carry(self, binding, message, destination, relay_state, response=False, sign=None):
        info = self.server.apply_binding(
            binding, message, destination, relay_state or "", response=response, sign=sign
        )
        if binding == BINDING_HTTP_REDIRECT:
            return {"redirect": dict(info["headers"])["Location"]}
        return {"html": info["data"]}


class Handler(BaseHTTPRequestHandler):
    """One request. The routes are methods named for them."""

    idp = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve({})

    def do_POST(self):
        self._serve(None)

    def _serve(self, form):
        url = urlsplit(self.path)
        if form is None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            if url.path == "/control":
                self.idp.control(json.loads(body))
                return self._send({"html": "done"})
            form = _first_values(body)
        self.binding = BINDING_HTTP_POST if self.command == "POST" else BINDING_HTTP_REDIRECT
        self.fields = {**_first_values(url.query), **form}
        self.new_cookie = None
        try:
            route = getattr(self, "on_" + url.path.strip("/").replace("-", "_"), None)
            answer = route(self._session()) if route else {"status": 404, "html": "Nothing is here."}
        except Exception as error:  # whatever pysaml2 raises is a refusal
            answer = {"status": 400, "html": f"<h1>Refused</h1><p>{html.escape(repr(error))}</p>"}
        self._send(answer)

    def _session(self):
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("idp_session")
        key = cookie.value if cookie else None
        if key not in self.idp.sessions:
            key = self.new_cookie = secrets.token_urlsafe(16)
            self.idp.sessions[key] = {}
        return self.idp.sessions[key]

    def _send(self, answer):
        content = answer.get("html", answer.get("xml", "")).encode()
        redirect = answer.get("redirect")
        self.send_response(303 if redirect else answer.get("status", 200))
        if redirect:
            self.send_header("location", redirect)
        self.send_header("content-type", "application/samlmetadata+xml" if "xml" in answer else "text/html; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        if getattr(self, "new_cookie", None):
            self.send_header("set-cookie", f"idp_session={self.new_cookie}; Path=/; HttpOnly; Secure; SameSite=None")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        pass

    # --- Pages ---

    def on_metadata(self, session):
        return {"xml": self.idp.metadata()}

    def on_login(self, session):
        user = self.idp.users[self.fields["login_email"]]
        proceed = session.pop("pending")
        session["user"] = user
        session["authenticated_at"] = int(time.time())
        return proceed()

    def on_sso(self, session):
        idp, relay_state = self.idp, self.fields.get("RelayState")
        message = self._parse(idp.server.parse_authn_request).message
        acs = idp.server.response_args(message, [BINDING_HTTP_POST])["destination"]
        return self._authenticated(session, message.force_authn == "true", lambda: idp.answer(session, message, acs, relay_state))

    def on_start(self, session):
        idp, relay_state = self.idp, self.fields.get("RelayState")
        acs = next(iter(idp.server.metadata.assertion_consumer_service(idp.sp, BINDING_HTTP_POST)))["location"]
        return self._authenticated(session, False, lambda: idp.answer(session, None, acs, relay_state))

    def on_slo(self, session):
        idp = self.idp
        if "SAMLResponse" in self.fields:
            parsed = idp.server.parse_logout_request_response(self.fields["SAMLResponse"], self.binding)
            if parsed.in_response_to != session.pop("asked"):
                raise ValueError("this answers nothing that was asked")
            if not parsed.status_ok():
                raise ValueError("the logout failed")
            return {"html": "<h1>Signed out everywhere</h1>"}
        message = self._parse(idp.server.parse_logout_request).message
        if message.name_id.text != idp.name_id(session["user"]).text:
            raise ValueError("this is not who is signed in")
        return idp.answer_logout(session, message, self.binding, self.fields.get("RelayState"))

    def on_sign_out(self, session):
        return self.idp.begin_logout(session, BINDINGS[self.fields["binding"]])

    def _parse(self, parse):
        fields = self.fields
        return parse(
            fields["SAMLRequest"],
            self.binding,
            relay_state=fields.get("RelayState"),
            sigalg=fields.get("SigAlg"),
            signature=fields.get("Signature"),
        )

    def _authenticated(self, session, force, proceed):
        if "user" in session and not force:
            return proceed()
        session["pending"] = proceed
        return {"html": LOGIN_PAGE}


def _first_values(text):
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def main():
    users = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="edge-saml-pysaml2-") as folder:
        idp = Handler.idp = IdentityProvider(users, folder)
        server = ThreadingHTTPServer(("localhost", 0), Handler)
        idp.origin = f"http://localhost:{server.server_address[1]}"
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()  # until whoever started this closes it


main()
